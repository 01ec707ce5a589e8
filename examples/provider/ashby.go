package main

import (
	"context"
	"crypto/subtle"
	"net/http"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// customer is a company that uses Ashby. There are two keys, one for each
// direction.
type customer struct {
	Name     string `json:"name"`
	OurKey   string `json:"our_key"`   // we issued it; Ashby's calls carry it
	AshbyKey string `json:"ashby_key"` // made in their Ashby; our updates need it
}

// customers would be a table of the provider's database.
type customers []customer

// authenticate finds the customer whom a key was issued to.
func (c customers) authenticate(_ context.Context, key string) (string, error) {
	name := ""
	for _, one := range c {
		if subtle.ConstantTimeCompare([]byte(one.OurKey), []byte(key)) == 1 && key != "" {
			name = one.Name
		}
	}
	if name == "" {
		return "", assessment.ErrUnauthorized
	}
	return name, nil
}

// ashbyKey returns the key for updates of a customer's assessments.
func (c customers) ashbyKey(_ context.Context, name string) (string, error) {
	for _, one := range c {
		if one.Name == name {
			return one.AshbyKey, nil
		}
	}
	return "", assessment.ErrUnauthorized
}

// mountAshby answers Ashby's calls below /ashby/.
func (v *service) mountAshby(mux *http.ServeMux, s settings) (assessment.Publisher, error) {
	var err error
	s.Ashby.Keys = s.AshbyCustomers.ashbyKey
	if v.ashby, err = ashby.New(s.Ashby); err != nil {
		return nil, err
	}
	handler, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake:       v.intake,
		Authenticate: s.AshbyCustomers.authenticate,
		Client:       v.ashby,
		Logger:       s.Logger,
	})
	mux.Handle("/ashby/", handler)
	return v.ashby, err
}
