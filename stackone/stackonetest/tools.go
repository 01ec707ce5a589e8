package stackonetest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The keys of the ATSs whose particularities the simulator knows, as in an
// account's provider: integration-guides/ats in github.com/StackOneHQ/hub-docs
const (
	Greenhouse      = "greenhouse"
	Teamtailor      = "teamtailor"
	SmartRecruiters = "smartrecruiters"
	Recruitee       = "recruitee"
	Bullhorn        = "bullhorn_ats"
	Workday         = "workdayats"
	SuccessFactors  = "sapsuccessfactors_ats"
	Eploy           = "eploy"
	Ashby           = "ashby"
)

// ats is what StackOne's guides say about one ATS.
type ats struct {
	name string
	// shown are the fields of a result that reach the recruiter, by dotted path.
	shown []string
	// shownBackground are those of background checks, if they differ.
	shownBackground []string
	// results are the values that its guide lists; nil: all.
	results []string
	// jobID: the call of the packages endpoint names the job.
	jobID bool
	// oneResult: the ATS takes one result per order and stores it as complete.
	oneResult bool
	// wholeScore: a score needs value, min and max, and attachments need both members.
	wholeScore bool
	// polled: orders of background checks are found by polling, so that their events
	// carry ids only.
	polled bool
}

func atsOf(provider string) ats {
	switch provider {
	case Greenhouse:
		return ats{name: "Greenhouse", shown: []string{"result_url", "score.value", "start_date", "submission_date", "summary"}, oneResult: true}
	case Teamtailor:
		return ats{name: "Teamtailor", shown: []string{"result", "score", "result_url", "attachments"}, results: []string{"completed", "failed"}, jobID: true}
	case SmartRecruiters:
		return ats{
			name: "SmartRecruiters", shown: []string{"result", "score", "result_url", "attachments"},
			results: []string{"pending", "in_progress", "completed", "failed", "expired"}, jobID: true, wholeScore: true,
		}
	case Recruitee:
		return ats{name: "Recruitee", shown: []string{"result_url", "score.value", "result"}}
	case Bullhorn:
		return ats{name: "Bullhorn", shown: []string{"score.value", "result", "submission_date", "result_url"}}
	case Workday:
		return ats{
			name: "Workday", shown: []string{"result", "summary", "submission_date", "start_date"},
			shownBackground: []string{"result", "submission_date", "result_url"},
		}
	case SuccessFactors:
		return ats{name: "SAP SuccessFactors", shown: []string{"result", "result_url"}}
	case Eploy:
		return ats{name: "Eploy", shown: []string{"score.label", "score.value", "submission_date", "summary", "result_url"}, polled: true}
	case Ashby:
		return ats{name: "Ashby", shown: []string{"result", "result_url"}}
	}
	return ats{name: provider, shown: []string{"score", "start_date", "submission_date", "summary", "result", "result_url", "attachments"}}
}

func (a ats) fields(kind Kind) []string {
	if kind == BackgroundCheck && a.shownBackground != nil {
		return a.shownBackground
	}
	return a.shown
}

func (s *Server) connectorMeta(c *simkit.Call) (simkit.Reply, *Failure) {
	provider := c.Params["provider"]
	if meta, ok := s.cfg.ConnectorMeta[provider]; ok {
		return simkit.JSONReply(http.StatusOK, meta), nil
	}
	if !knownProvider(provider) {
		return simkit.Reply{}, failed(http.StatusNotFound, "Provider not found")
	}
	return simkit.JSONReply(http.StatusOK, connectorMeta(provider)), nil
}

func (s *Server) listConnectorMeta(*simkit.Call) (simkit.Reply, *Failure) {
	list := []any{}
	for _, provider := range providers() {
		if _, chosen := s.cfg.ConnectorMeta[provider]; !chosen {
			list = append(list, connectorMeta(provider))
		}
	}
	for _, provider := range sortedKeys(s.cfg.ConnectorMeta) {
		list = append(list, json.RawMessage(s.cfg.ConnectorMeta[provider]))
	}
	return simkit.JSONReply(http.StatusOK, list), nil
}

func providers() []string {
	return []string{Ashby, Bullhorn, Eploy, Greenhouse, Recruitee, SuccessFactors, SmartRecruiters, Teamtailor, Workday}
}

func knownProvider(provider string) bool { return atsOf(provider).name != provider }

func connectorMeta(provider string) map[string]any {
	return map[string]any{
		"provider": provider, "provider_name": atsOf(provider).name, "category": "ats", "active": true,
		"models":    connectorModels(provider),
		"resources": map[string]any{"images": map[string]any{"logo_url": "https://app.stackone.com/assets/logos/" + provider + ".png"}},
	}
}

// connectorModels lists the fields of results that reach the ATS, under the models
// that StackOne's integration guides point to.
func connectorModels(provider string) map[string]any {
	models := map[string]any{}
	for _, kind := range []Kind{Assessment, BackgroundCheck} {
		models[kind.segment()+"/results"] = map[string]any{"update": map[string]any{
			"apiPath": "/unified/ats/" + kind.segment() + "/orders/:id/result",
			"input":   map[string]any{"defaultFields": metaFields(atsOf(provider).fields(kind))},
		}}
	}
	return models
}

func metaFields(paths []string) []map[string]string {
	var fields []map[string]string
	for _, path := range paths {
		kind := "string"
		switch {
		case strings.HasSuffix(path, "_date"):
			kind = "datetime_string"
		case path == "result":
			kind = "enum"
		case path == "score":
			kind = "object"
		case path == "attachments":
			kind = "array"
		}
		fields = append(fields, map[string]string{"name": path, "type": kind})
	}
	return fields
}
