package kombo

import (
	"encoding/json"
	"time"
)

// looseTime is a point in time that does not fail what it is part of: of a text
// that is none, or not in the documented form, it is zero.
type looseTime struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *looseTime) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &t.Time) != nil {
		t.Time = time.Time{}
	}
	return nil
}

// The structs with times, as they are read: the field here hides the one of the
// struct inside.

type wireIntegrationDeleted struct {
	IntegrationDeleted
	DeletedAt looseTime `json:"deleted_at"`
}

func (w wireIntegrationDeleted) data() EventData {
	d := w.IntegrationDeleted
	d.DeletedAt = w.DeletedAt.Time
	return d
}

type wireIntegrationStateChanged struct {
	IntegrationStateChanged
	UpdatedAt looseTime `json:"updated_at"`
}

func (w wireIntegrationStateChanged) data() EventData {
	d := w.IntegrationStateChanged
	d.UpdatedAt = w.UpdatedAt.Time
	return d
}

type wireSyncFinished struct {
	SyncFinished
	StartedAt looseTime `json:"sync_started_at"`
	EndedAt   looseTime `json:"sync_ended_at"`
}

func (w wireSyncFinished) data() EventData {
	d := w.SyncFinished
	d.StartedAt, d.EndedAt = w.StartedAt.Time, w.EndedAt.Time
	return d
}

type wireIntegration struct {
	Integration
	DataExpiredAt looseTime `json:"data_expired_at"`
	CreatedAt     looseTime `json:"created_at"`
}

func (w wireIntegration) integration() Integration {
	i := w.Integration
	i.DataExpiredAt, i.CreatedAt = w.DataExpiredAt.Time, w.CreatedAt.Time
	return i
}
