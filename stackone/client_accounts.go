package stackone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// Account is a linked account: one customer's connection to its ATS
// (https://docs.stackone.com/api/multi-tenant-accounts). Its credentials are not
// read.
type Account struct {
	ID string
	// Provider is the key of the ATS, such as "greenhouse"; see [Capabilities].
	Provider     string
	ProviderName string
	// Status is active, inactive, suspended, archived, expired or error; others
	// may come.
	Status        string
	StatusReasons []StatusReason
	// The customer as named in [ConnectRequest].
	OriginOwnerID, OriginOwnerName, OriginUsername string
	Label                                          string
	Type                                           string // production or test
	// SetupInformation is what the customer entered, a JSON object.
	SetupInformation     json.RawMessage
	CreatedAt, UpdatedAt time.Time
}

// StatusReason says why an account has its status.
type StatusReason struct {
	Code, Description string
	At                time.Time
}

// String names the account without the customer's data.
func (a Account) String() string {
	return fmt.Sprintf("stackone account %s (%s, %s)", a.ID, a.Provider, a.Status)
}

// Format implements [fmt.Formatter]: every verb prints [Account.String].
func (a Account) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] without the customer's data.
func (a Account) LogValue() slog.Value { return slog.StringValue(a.String()) }

type wireAccount struct {
	ID            lenient.Text `json:"id"`
	Provider      string       `json:"provider"`
	ProviderName  string       `json:"provider_name"`
	Status        string       `json:"status"`
	StatusReasons []struct {
		Code        lenient.Scalar `json:"code"`
		Description string         `json:"description"`
		At          time.Time      `json:"timestamp"`
	} `json:"status_reasons"`
	OriginOwnerID    lenient.Text    `json:"origin_owner_id"`
	OriginOwnerName  string          `json:"origin_owner_name"`
	OriginUsername   string          `json:"origin_username"`
	Label            string          `json:"label"`
	Type             string          `json:"type"`
	SetupInformation json.RawMessage `json:"setup_information"`
	CreatedAt        time.Time       `json:"created_at"`
	UpdatedAt        time.Time       `json:"updated_at"`
}

func (w *wireAccount) domain() Account {
	a := Account{
		ID: string(w.ID), Provider: w.Provider, ProviderName: w.ProviderName, Status: w.Status,
		OriginOwnerID: string(w.OriginOwnerID), OriginOwnerName: w.OriginOwnerName, OriginUsername: w.OriginUsername,
		Label: w.Label, Type: w.Type, SetupInformation: w.SetupInformation,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
	for _, r := range w.StatusReasons {
		if r.Code == "" && r.Description == "" { // null
			continue
		}
		a.StatusReasons = append(a.StatusReasons, StatusReason{string(r.Code), r.Description, r.At})
	}
	return a
}

// accountAnswer is an account without an envelope.
type accountAnswer struct{ wireAccount }

// Check implements [transport.Checker].
func (a *accountAnswer) Check() error {
	if a.ID == "" {
		return errors.New("account without an id")
	}
	return nil
}

// Tolerates implements [transport.Tolerant]: what can be read is kept, if it is an
// account at all.
func (*accountAnswer) Tolerates(path string) bool { return path != "" }

// accountList is an array, or an array inside data as one guide shows it.
type accountList struct{ Data []wireAccount }

// ReadJSON implements [lenient.Reader] for both forms.
func (l *accountList) ReadJSON(d *lenient.Decoder, raw []byte) {
	if raw[0] == '[' {
		d.Read(raw, &l.Data)
		return
	}
	var wrapped struct {
		Data []wireAccount `json:"data"`
	}
	d.Read(raw, &wrapped)
	l.Data = wrapped.Data
}

// Check implements [transport.Checker].
func (l *accountList) Check() error {
	if l.Data == nil {
		return errNoData
	}
	return nil
}

// Tolerates implements [transport.Tolerant]: an odd account costs nothing but
// itself.
func (*accountList) Tolerates(path string) bool { return path != "" && path != "data" }

// AccountFilter selects accounts. The zero value selects all of the project.
type AccountFilter struct {
	// OriginOwnerIDs are the provider's own ids of customers.
	OriginOwnerIDs []string
	// Providers are keys of ATSs.
	Providers []string
	// AccountIDs are ids of accounts.
	AccountIDs []string
	// Statuses are values of [Account.Status].
	Statuses []string
	// PageSize is how many are fetched at once; zero leaves it to StackOne (25).
	PageSize int
}

func (f *AccountFilter) query() url.Values {
	query := url.Values{}
	for name, values := range map[string][]string{
		"origin_owner_ids": f.OriginOwnerIDs, "providers": f.Providers, "account_ids": f.AccountIDs, "status": f.Statuses,
	} {
		if len(values) > 0 {
			query[name] = values
		}
	}
	if f.PageSize > 0 {
		query.Set("page_size", strconv.Itoa(f.PageSize))
	}
	return query
}

// Accounts lists the linked accounts of the project. Pages are fetched while the
// range goes on; an error ends it. The list has no cursor, so an account that is
// linked or removed meanwhile may be missed.
func (c *Client) Accounts(ctx context.Context, f AccountFilter) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		query := f.query()
		seen := make(map[lenient.Text]bool)
		for number := 1; ; number++ {
			query.Set("page", strconv.Itoa(number))
			list, _, err := transport.JSON[accountList](ctx, c.transport, transport.Call{
				Operation: "GET /accounts", Method: http.MethodGet, Path: []string{"accounts"}, Query: query,
			})
			if err != nil {
				yield(Account{}, err)
				return
			}
			fresh := false
			for _, w := range list.Data {
				// Seen before: the list moved, or StackOne ignores the page.
				if w.ID == "" || seen[w.ID] {
					continue
				}
				seen[w.ID], fresh = true, true
				if !yield(w.domain(), nil) {
					return
				}
			}
			if !fresh {
				return
			}
		}
	}
}

// Account returns a linked account.
func (c *Client) Account(ctx context.Context, account string) (Account, error) {
	return c.account(ctx, http.MethodGet, account)
}

// DeleteAccount removes a customer's connection for good and returns it as it
// was. The zero Account without an error means that an attempt whose answer was
// lost had removed it.
func (c *Client) DeleteAccount(ctx context.Context, account string) (Account, error) {
	got, err := c.account(ctx, http.MethodDelete, account)
	if goneBefore(err) {
		return Account{}, nil
	}
	return got, err
}

func (c *Client) account(ctx context.Context, method, account string) (Account, error) {
	if account == "" {
		return Account{}, errNoAccount()
	}
	got, _, err := transport.JSON[accountAnswer](ctx, c.transport, accountCall(method, account))
	if err != nil {
		return Account{}, err
	}
	return got.domain(), nil
}

// accountCall is a call about one account that ends in the same state when it is
// made twice.
func accountCall(method, account string) transport.Call {
	return transport.Call{
		Operation: method + " /accounts/{id}", Method: method,
		Path: []string{"accounts", account}, Account: account, Repeat: transport.Same,
	}
}

// goneBefore reports whether a delete was repeated and then found nothing: the
// attempt before was carried out, and its answer lost.
func goneBefore(err error) bool {
	var failure *assessment.APIError
	return errors.As(err, &failure) && failure.Uncertain && failure.StatusCode == http.StatusNotFound
}
