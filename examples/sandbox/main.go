// Command sandbox plays the recruiter for three vendors, on your own machine, against
// your own service.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/assessbridge/assessbridge/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := sandbox.Run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
