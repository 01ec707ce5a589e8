package stackone

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Connector is what StackOne says of its connection to an ATS. StackOne's platform
// pages call these calls legacy, and its ATS guides still point to them for what a
// result may hold.
type Connector struct {
	// Provider is the key of the ATS, as in [Account.Provider].
	Provider, ProviderName string
	Category               string // ats, for an ATS
	Active                 bool
	// Models are what can be called and with which fields: model, operation, and
	// then an object with apiPath, input and output. See [Connector.ResultFields].
	Models json.RawMessage
	// Raw is all of the answer.
	Raw json.RawMessage
}

// ConnectorField is a field that the ATS behind a connector takes.
type ConnectorField struct {
	// Name is that of StackOne's unified model, with dots for members of objects,
	// such as "score.value".
	Name string
	// Type is StackOne's word for its form, such as "string" or "enum".
	Type string
}

// ConnectorInclude names a part of a connector that StackOne leaves out unless
// asked for it.
type ConnectorInclude string

// The values of include in StackOne's reference of connectors.
const (
	ConnectorFieldPaths     ConnectorInclude = "field_path"
	ConnectorUnmappedFields ConnectorInclude = "unmapped_fields"
	ConnectorResources      ConnectorInclude = "resources"
	ConnectorInactive       ConnectorInclude = "inactive"
	ConnectorWebhooks       ConnectorInclude = "webhooks"
	ConnectorStaticFields   ConnectorInclude = "static_fields"
)

var connectorIncludes = []ConnectorInclude{
	ConnectorFieldPaths, ConnectorUnmappedFields, ConnectorResources, ConnectorInactive, ConnectorWebhooks, ConnectorStaticFields,
}

type wireConnector struct {
	Provider     string          `json:"provider"`
	ProviderName string          `json:"provider_name"`
	Category     string          `json:"category"`
	Active       bool            `json:"active"`
	Models       json.RawMessage `json:"models"`
}

func connector(k *kept[wireConnector]) Connector {
	w := &k.wire
	found := Connector{Provider: w.Provider, ProviderName: w.ProviderName, Category: w.Category, Active: w.Active, Raw: k.raw}
	if !absent(w.Models) {
		found.Models = w.Models
	}
	return found
}

// wireModels are the models of a connector as far as this package reads them.
type wireModels struct {
	Assessments      wireResultModel `json:"assessments/results"`
	BackgroundChecks wireResultModel `json:"background_checks/results"`
}

type wireResultModel struct {
	Update struct {
		Input struct {
			DefaultFields []struct {
				Name string `json:"name"`
				Type string `json:"type"`
			} `json:"defaultFields"`
		} `json:"input"`
	} `json:"update"`
}

// ResultFields are the fields of a result that the ATS takes of a kind of order,
// nil where the connector does not tell. What the ATS then shows its recruiters is
// another matter: see [Capabilities].
func (c Connector) ResultFields(kind assessment.Kind) []ConnectorField {
	var models wireModels
	if _, err := lenient.Unmarshal(c.Models, &models); err != nil {
		return nil
	}
	model := &models.Assessments
	if kind == assessment.KindBackgroundCheck {
		model = &models.BackgroundChecks
	}
	var fields []ConnectorField
	for _, f := range model.Update.Input.DefaultFields {
		if f.Name != "" {
			fields = append(fields, ConnectorField(f))
		}
	}
	return fields
}

// connectorAnswer is a connector without an envelope.
type connectorAnswer struct{ kept[wireConnector] }

var errNoConnector = errors.New("connector without a provider")

// Check implements [transport.Checker].
func (a *connectorAnswer) Check() error {
	if a.wire.Provider == "" {
		return errNoConnector
	}
	return nil
}

// Tolerates implements [transport.Tolerant]: what can be read is kept.
func (*connectorAnswer) Tolerates(path string) bool { return path != "" }

// Connector returns what StackOne says of its connection to an ATS, by the ATS's
// key.
func (c *Client) Connector(ctx context.Context, provider string, include ...ConnectorInclude) (Connector, error) {
	var problems outbound.Problems
	problems.Name("provider", provider)
	call := transport.Call{
		Operation: "GET /connectors/meta/{provider}", Method: http.MethodGet,
		Path: []string{"connectors", "meta", provider}, Query: connectorQuery(&problems, include),
	}
	if err := problems.Err(); err != nil {
		return Connector{}, err
	}
	got, _, err := transport.JSON[connectorAnswer](ctx, c.transport, call)
	if err != nil {
		return Connector{}, err
	}
	return connector(&got.kept), nil
}

// AccountConnector is [Client.Connector] for the ATS behind an account, with the
// fields that this customer has. Its name and whether it is active are not told.
func (c *Client) AccountConnector(ctx context.Context, account string) (Connector, error) {
	if account == "" {
		return Connector{}, errNoAccount()
	}
	got, _, err := transport.JSON[connectorAnswer](ctx, c.transport, transport.Call{
		Operation: "GET /accounts/{id}/meta", Method: http.MethodGet,
		Path: []string{"accounts", account, "meta"}, Account: account,
	})
	if err != nil {
		return Connector{}, err
	}
	return connector(&got.kept), nil
}

// connectorList is an array.
type connectorList []*kept[wireConnector]

// Tolerates implements [transport.Tolerant]: an odd connector costs nothing but
// itself.
func (*connectorList) Tolerates(path string) bool { return path != "" }

// Connectors lists StackOne's connectors. It is one call, made when the range
// begins; an error ends it.
func (c *Client) Connectors(ctx context.Context, include ...ConnectorInclude) iter.Seq2[Connector, error] {
	return func(yield func(Connector, error) bool) {
		var problems outbound.Problems
		query := connectorQuery(&problems, include)
		if err := problems.Err(); err != nil {
			yield(Connector{}, err)
			return
		}
		list, _, err := transport.JSON[connectorList](ctx, c.transport, transport.Call{
			Operation: "GET /connectors/meta", Method: http.MethodGet, Path: []string{"connectors", "meta"}, Query: query,
		})
		if err != nil {
			yield(Connector{}, err)
			return
		}
		for _, k := range list {
			if k == nil || k.wire.Provider == "" {
				continue
			}
			if !yield(connector(k), nil) {
				return
			}
		}
	}
}

func connectorQuery(problems *outbound.Problems, include []ConnectorInclude) url.Values {
	checkValues(problems, "include", include, connectorIncludes)
	query := url.Values{}
	setJoined(query, "include", include)
	return query
}
