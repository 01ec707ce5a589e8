// Package storetest checks that an [assessment.Store] keeps the promises that
// [assessment.Intake] builds on. Call [Run] from a test of the store:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Config{
//			New: func(t testing.TB) assessment.Store { return openEmptyStore(t) },
//		})
//	}
//
// Each rule of the interface is a subtest of its own, so that a failure names
// the rule. The package links nothing but the standard library.
package storetest
