package inbound

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// String tells what is answered without the answer's body, which may hold the
// candidate's link.
func (r Reply) String() string { return fmt.Sprintf("reply %d (%s)", r.Status, r.Outcome) }

// Format implements [fmt.Formatter]: every verb prints [Reply.String].
func (r Reply) Format(f fmt.State, verb rune) {
	text := r.String()
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

// LogValue implements [slog.LogValuer] with the text of [Reply.String].
func (r Reply) LogValue() slog.Value { return slog.StringValue(r.String()) }
