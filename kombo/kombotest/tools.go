package kombotest

import "github.com/assessbridge/assessbridge/internal/simkit"

// toolLabels are some of the tools of Kombo's catalogue, those with an assessment
// integration: https://docs.kombo.dev/assessment/connectors
var toolLabels = map[string]string{
	"ashby": "Ashby", "avature": "Avature", "bullhorn": "Bullhorn", "eightfold": "Eightfold",
	"greenhouse": "Greenhouse", "icims": "iCIMS", "jazzhr": "JazzHR", "jobvite": "Jobvite",
	"jobylon": "Jobylon", "lever": "Lever", "oraclerecruiting": "Oracle Recruiting", "pageup": "PageUp",
	"recruitee": "Recruitee", "sandbox": "Sandbox", "smartrecruiters": "SmartRecruiters",
	"successfactors": "SAP SuccessFactors", "teamtailor": "Teamtailor", "ukgpro": "UKG Pro", "workday": "Workday",
}

// toolOrder keeps the catalogue in one order.
var toolOrder = []string{
	"ashby", "avature", "bullhorn", "eightfold", "greenhouse", "icims", "jazzhr", "jobvite", "jobylon", "lever",
	"oraclerecruiting", "pageup", "recruitee", "sandbox", "smartrecruiters", "successfactors", "teamtailor",
	"ukgpro", "workday",
}

type wireTool struct {
	ID            string  `json:"id"`
	Label         string  `json:"label"`
	InternalLabel *string `json:"internal_label"`
	LogoURL       string  `json:"logo_url,omitempty"`
	IconURL       string  `json:"icon_url,omitempty"`
	Assets        *assets `json:"assets,omitempty"`
}

type assets struct {
	LogoURL      string `json:"logo_url"`
	IconURL      string `json:"icon_url"`
	IconBlackURL string `json:"icon_black_url"`
}

const assetBase = "https://storage.googleapis.com/kombo-assets/integrations/"

// wireToolOf is the tool as it appears in an integration.
func wireToolOf(id string) wireTool {
	return wireTool{
		ID:      id,
		Label:   simkit.OrDefault(toolLabels[id], id),
		LogoURL: assetBase + id + "/logo.svg",
		IconURL: assetBase + id + "/icon.svg",
	}
}

// getTools lists the catalogue of a category. The simulator knows the assessment
// tools, which have ATS integrations too, and none of the other categories.
func (s *Server) getTools(c *simkit.Call) (answer, *refusal) {
	category := c.Params["category"]
	if !isCategory(category) {
		return answer{}, refuse(codeInputInvalid, "The category must be one of hris, ats, assessment, lms.")
	}
	tools := []wireTool{}
	if category == "assessment" || category == "ats" {
		for _, id := range toolOrder {
			tools = append(tools, catalogueEntry(id))
		}
	}
	return answer{data: map[string]any{"tools": tools}}, nil
}

func catalogueEntry(id string) wireTool {
	base := assetBase + id
	return wireTool{ID: id, Label: toolLabels[id], Assets: &assets{
		LogoURL:      base + "/logo.svg",
		IconURL:      base + "/icon.svg",
		IconBlackURL: base + "/icon-black.svg",
	}}
}
