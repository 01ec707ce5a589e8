package stackonetest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

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
