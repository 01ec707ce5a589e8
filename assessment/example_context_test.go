package assessment_test

import (
	"context"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

// traceKey is the key of what a middleware of the host's put into the request.
type traceKey struct{}

// Under fiber, whose adaptors bring net/http handlers onto fasthttp, the context of a
// request is used again for the next one as soon as the first is answered. Copy what
// the provider needs into a new context.
func ExampleIntakeConfig_baseContext() {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: exampleProvider{},
		Store:    assessment.NewMemoryStore(0),
		BaseContext: func(request context.Context) context.Context {
			trace, _ := request.Value(traceKey{}).(string)
			return context.WithValue(context.Background(), traceKey{}, trace)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := context.WithValue(context.Background(), traceKey{}, "4bf92f35")
	ctx, cancel := intake.HostContext(request)
	defer cancel()
	fmt.Println(ctx.Value(traceKey{}))
	// Output: 4bf92f35
}
