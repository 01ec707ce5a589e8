package durable

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that does not come to its next beat leads no longer than the others
// take it for alive.
func TestLeadershipEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began := new(Service), time.Now()
		require.False(t, s.Leads())
		s.leads.Store(&began)
		<-time.After(leadsFor - time.Second)
		require.True(t, s.Leads())
		<-time.After(time.Second)
		require.False(t, s.Leads())
	})
}
