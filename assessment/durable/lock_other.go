//go:build !unix

package durable

import (
	"context"
	"errors"
)

// ErrSecondProcess: another process works on the SQLite file. It is not noticed
// on this system.
var ErrSecondProcess = errors.New("durable: another process works on this SQLite file")

func (*Service) alone(context.Context) (unlock func(), err error) { return func() {}, nil }
