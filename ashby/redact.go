package ashby

import (
	"fmt"
	"io"
	"strconv"
)

// formatText writes text for any fmt verb. Types that hold a candidate's data or
// a secret implement fmt.Formatter with it, because a String method alone leaves
// %+v, %#v and %d to print every field.
func formatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}
