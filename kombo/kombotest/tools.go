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

// wireCatalogueTool is a tool with everything that Kombo's OpenAPI document requires of
// the catalogue: https://docs.kombo.dev/assessment/v1/get-tools-category
type wireCatalogueTool struct {
	wireTool
	PaidAPIDetails     *string  `json:"paid_api_details_markdown"`
	FastTrackDetails   *string  `json:"fast_track_details_markdown"`
	PartnerOnlyDetails *string  `json:"partner_only_details_markdown"`
	ConnectionGuideURL *string  `json:"connection_guide_url"`
	Coverage           coverage `json:"coverage"`
}

// coverage is what an integration of a tool supports. The simulator names nothing.
type coverage struct {
	ReadModels   []any `json:"read_models"`
	WriteActions []any `json:"write_actions"`
	Features     []any `json:"features"`
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
	tools := []wireCatalogueTool{}
	if category == "assessment" || category == "ats" {
		for _, id := range toolOrder {
			tools = append(tools, catalogueEntry(id))
		}
	}
	return answer{data: map[string]any{"tools": tools}}, nil
}

func catalogueEntry(id string) wireCatalogueTool {
	base := assetBase + id
	guide := "https://help.kombo.dev/connection-guides/" + id
	return wireCatalogueTool{
		wireTool: wireTool{ID: id, Label: toolLabels[id], Assets: &assets{
			LogoURL:      base + "/logo.svg",
			IconURL:      base + "/icon.svg",
			IconBlackURL: base + "/icon-black.svg",
		}},
		ConnectionGuideURL: &guide,
		Coverage:           coverage{ReadModels: []any{}, WriteActions: []any{}, Features: []any{}},
	}
}
