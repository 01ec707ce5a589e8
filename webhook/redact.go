package webhook

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// formatText writes text for any fmt verb, because a String method alone leaves
// %+v, %#v and %d to print every field.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}

// String tells the size of the body only.
func (u *Unproved) String() string { return fmt.Sprintf("unproved body of %d bytes", u.Len()) }

// Format implements [fmt.Formatter]: every verb prints [Unproved.String].
func (u *Unproved) Format(f fmt.State, verb rune) { formatText(f, verb, u.String()) }

// LogValue implements [slog.LogValuer] with the text of [Unproved.String].
func (u *Unproved) LogValue() slog.Value { return slog.StringValue(u.String()) }
