package sandbox

import (
	"fmt"
	"reflect"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// Quirk is a behaviour on which the vendor is silent.
type Quirk struct {
	Vendor  string `json:"vendor"`
	Name    string `json:"name"` // of the field of the simulator's Quirks
	Label   string `json:"label"`
	Section string `json:"section"` // of the vendor's contract
}

// Quirks are those that can be switched, by vendor.
var Quirks = []Quirk{
	{Kombo, "RequirePackage", "A package that you never submitted cannot be ordered", "2.2"},
	{Kombo, "InlineRejectionIgnored", "A rejected inline order counts as a fault", "4.5"},
	{Kombo, "LenientBase64", "Attachments in other forms of Base64 are taken", "2.5"},
	{Kombo, "AllowBothSources", "An attachment may have data and data_url", "2.5"},
	{Kombo, "AllowDuplicatePackages", "A package list may repeat an id", "2.2"},
	{Kombo, "ServePausedReads", "Lists are served although the credentials expired", "7.2"},
	{Kombo, "NewestFirst", "Orders are listed from the newest", "2.3"},
	{Kombo, "EmptyPages", "A list begins with an empty page", "2.3"},
	{Kombo, "RepeatedFinal", "A final result may be written again", "2.5"},
	{StackOne, "Any2xx", "Every 2xx counts as the acceptance of a webhook", "7.6"},
	{StackOne, "SentAtPerAttempt", "Every attempt has a sent_at of its own", "7.6"},
	{StackOne, "RepeatableGreenhouse", "Greenhouse takes more than one result", "11"},
	{StackOne, "FinalIsFinal", "A final result cannot be corrected", "3.2"},
	{StackOne, "NullLeaves", "An explicit null leaves the earlier value alone", "2.2"},
	{StackOne, "AllowUnknownEnums", "Unknown enum values are taken", "2.3"},
	{StackOne, "RefuseUnlistedResults", "Results that the ATS does not list are refused", "11"},
	{StackOne, "RefuseUnknownFields", "Unknown members of a result are refused", "2.2"},
	{StackOne, "AcceptBareKey", "A key without the colon is taken", "1.2"},
	{StackOne, "NumericOrganizationID", "organization_id is a number", "5.2"},
	{StackOne, "WrapAccounts", "The list of accounts has an envelope", "5.1"},
	{StackOne, "BareEnums", "Job postings have bare texts for enum objects", "2.3"},
	{StackOne, "HeartbeatErrors", "Under a heartbeat every failure comes with status 200", "1.3"},
	{StackOne, "EmptyPages", "A list begins with an empty page", "2.7"},
	{StackOne, "Removed", "The removed endpoints for orders and results still answer", "3.0"},
	{Ashby, "PartnerKeyAsPassword", "Your key comes as the Basic password", "4"},
	{Ashby, "AcceptOlderTimestamps", "An update may be older than the last one", "2.1"},
	{Ashby, "AcceptAfterTerminal", "Updates are taken after the end", "2.3"},
	{Ashby, "AcceptCancelConfirmation", "A cancel may be confirmed with an update", "5.5"},
	{Ashby, "AllowTypeMismatch", "A value may not fit its type", "2.2"},
	{Ashby, "AllowDuplicateIdentifiers", "An identifier may come twice", "2.2"},
	{Ashby, "RefuseNulls", "Nulls in an update are refused", "1.6"},
	{Ashby, "RequireUUIDs", "Your ids have to be UUIDs", "4.2"},
	{Ashby, "Repeat", "A repeated update is refused", "2.1"},
	{Ashby, "AllowUnknownTypes", "A value may have a type that is not one of the five", "2.2"},
	{Ashby, "AllowResultWithCancel", "An update may have a result and a cancelled_reason", "2.3"},
	{Ashby, "AcceptUnknownCandidates", "A completed assessment may be added to a candidate that Ashby does not know", "3"},
	{Ashby, "RefuseDefaultUserAgent", "Go's own User-Agent is refused, as an empty one is", "1.1"},
	{Ashby, "OmitErrors", "Error envelopes have no array “errors”", "1.3"},
	{Ashby, "TextAuthErrors", "Refused keys are answered with plain text", "1.4"},
}

// choices are the values of those that are no switch at the simulator, when they are on.
var choices = map[[2]string]int64{
	{Kombo, "EmptyPages"}:    1,
	{Kombo, "RepeatedFinal"}: int64(kombotest.RepeatAccepted),
	{StackOne, "EmptyPages"}: 1,
	{StackOne, "Removed"}:    int64(stackonetest.RemovedServed),
	{Ashby, "Repeat"}:        int64(ashbytest.RepeatRefused),
}

// setQuirks switches the fields of a simulator's Quirks.
func setQuirks(vendor string, quirks any, on map[string]bool) {
	target := reflect.ValueOf(quirks).Elem()
	for name, value := range on {
		field := target.FieldByName(name)
		choice, isChoice := choices[[2]string{vendor, name}]
		switch {
		case !field.IsValid():
		case field.Kind() == reflect.Bool:
			field.SetBool(value)
		case isChoice && value:
			field.SetInt(choice)
		}
	}
}

func knownQuirk(vendor, name string) error {
	for _, q := range Quirks {
		if q.Vendor == vendor && q.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%s has no switch %q", label(vendor), name)
}
