package durable

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// emergencyMost is how many orders the folder holds. Each has at most the size
// of a delivery.
const emergencyMost = 10_000

// emergencyEvery is how often the folder is looked at.
const emergencyEvery = 5 * time.Second

func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return errors.New("not a folder")
	}
	return err
}

// file is where an order is kept; its name says nothing of the order.
func (s *Service) file(ref assessment.OrderRef) string {
	sum := sha256.Sum256([]byte(ref.String()))
	return filepath.Join(s.config.Emergency, "order-"+hex.EncodeToString(sum[:16])+".json")
}

func (s *Service) waiting() ([]string, error) {
	return filepath.Glob(filepath.Join(s.config.Emergency, "order-*.json"))
}

// saved returns the orders in the folder that match. What cannot be read is logged
// when it cannot be taken in.
func (s *Service) saved(match func(assessment.Order) bool) ([]assessment.Order, error) {
	if s.config.Emergency == "" {
		return nil, nil
	}
	files, err := s.waiting()
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	var all []assessment.Order
	for _, name := range files {
		body, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // taken in meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("durable: %w", err)
		}
		var o assessment.Order
		if json.Unmarshal(body, &o) == nil && match(o) {
			all = append(all, o)
		}
	}
	return all, nil
}

// save writes an order to disk before the vendor is answered.
func (s *Service) save(o assessment.Order) error {
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if files, err := s.waiting(); err != nil || len(files) >= emergencyMost {
		return errors.Join(err, errors.New("durable: the emergency folder is full"))
	}
	name := s.file(o.Ref)
	temporary, err := os.CreateTemp(s.config.Emergency, "writing-*")
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone after the rename
	_, err = temporary.Write(body)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if err := os.Rename(temporary.Name(), name); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return syncFolder(s.config.Emergency)
}

// syncFolder makes a rename durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// emergencyLoop takes orders in that were written to disk, of an earlier
// process too.
func (s *Service) emergencyLoop(ctx context.Context) {
	if s.config.Emergency == "" {
		return
	}
	for {
		if err := s.takeIn(ctx); err != nil && ctx.Err() == nil {
			s.config.Logger.WarnContext(ctx, "emergency orders wait", "error", err)
		}
		select {
		case <-time.After(emergencyEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Service) takeIn(ctx context.Context) error {
	files, err := s.waiting()
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := s.takeInFile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// takeInFile holds the folder: an order that is erased between the reading of its
// file and its coming into the spool would be back.
func (s *Service) takeInFile(ctx context.Context, name string) error {
	s.folder.Lock()
	defer s.folder.Unlock()
	body, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil // erased, or taken in by another process
	}
	if err != nil {
		return err
	}
	var o assessment.Order
	if err := json.Unmarshal(body, &o); err != nil {
		s.config.Logger.ErrorContext(ctx, "emergency order cannot be read", "file", filepath.Base(name))
		return nil
	}
	if err := s.spool.Queue(ctx, o); err != nil && !errors.Is(err, sqlstore.ErrOffboarded) {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Erase removes what is personal of an order from every table and from the
// emergency folder; see [sqlstore.DB.Erase]. Jobs never hold anything personal.
func (s *Service) Erase(ctx context.Context, ref assessment.OrderRef) error {
	_, err := s.erase(ref, func() (bool, error) { return true, s.store.Erase(ctx, ref) })
	return err
}

// EraseBy is [Service.Erase] by hand; see [sqlstore.DB.EraseBy].
func (s *Service) EraseBy(ctx context.Context, ref assessment.OrderRef, by sqlstore.Act) (bool, error) {
	if by.Actor == "" || by.Reason == "" {
		return s.store.EraseBy(ctx, ref, by) // which refuses it, before the file is gone
	}
	return s.erase(ref, func() (bool, error) { return s.store.EraseBy(ctx, ref, by) })
}

// erase removes an order's file before its rows: taken in meanwhile, it is among
// them.
func (s *Service) erase(ref assessment.OrderRef, rows func() (bool, error)) (known bool, err error) {
	if s.config.Emergency != "" {
		s.folder.Lock()
		defer s.folder.Unlock()
		err := os.Remove(s.file(ref))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return false, fmt.Errorf("durable: %w", err)
		}
		known = err == nil
	}
	found, err := rows()
	return known || found, err
}
