package kombotest

import "time"

// timestampLayout is the format of every timestamp that Kombo sends.
const timestampLayout = "2006-01-02T15:04:05.000Z"

type wireWarning struct {
	Message string `json:"message"`
}

// wireSuccess is the envelope of every success. Warnings is nil where the
// documented answer has no such member.
type wireSuccess struct {
	Status   string         `json:"status"`
	Data     any            `json:"data"`
	Warnings *[]wireWarning `json:"warnings,omitempty"`
}

// wireFailure is the envelope of every error: https://docs.kombo.dev/guides/errors
type wireFailure struct {
	Status string    `json:"status"`
	Error  wireError `json:"error"`
}

type wireError struct {
	Code    *string `json:"code"`
	Title   *string `json:"title"`
	Message string  `json:"message"`
	LogURL  *string `json:"log_url"`
}

type wireEndUser struct {
	OrganizationName string  `json:"organization_name"`
	CreatorEmail     *string `json:"creator_email"`
	OriginID         *string `json:"origin_id"`
}

type wireEvent struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data any    `json:"data"`
}

func timestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }
