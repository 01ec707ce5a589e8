//go:build unix

package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrSecondProcess: another process works on the SQLite file.
var ErrSecondProcess = errors.New("durable: another process works on this SQLite file")

// alone makes this the only process on a SQLite file. The lock ends with the
// process, however that ends.
func (s *Service) alone(ctx context.Context) (unlock func(), err error) {
	nothing := func() {}
	if s.config.SQLite == nil {
		return nothing, nil
	}
	var file string
	if err := s.db.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	if file == "" {
		return nothing, nil // in memory
	}
	lock, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(ErrSecondProcess, lock.Close())
	}
	return func() { _ = lock.Close() }, nil
}
