package kombo

import (
	"math"
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// How values that Kombo has no type for read as text attributes.

func subResultText(v assessment.SubResult) string {
	status := map[assessment.Status]string{
		assessment.StatusOpen:       "open",
		assessment.StatusInProgress: "in progress",
		assessment.StatusCompleted:  "completed",
		assessment.StatusCancelled:  "cancelled",
		assessment.StatusExpired:    "expired",
	}[v.Status]
	if v.Score == nil {
		return status
	}
	text := assessment.FormatNumber(v.Score.Value)
	if v.Score.Max != nil {
		text += " of " + assessment.FormatNumber(*v.Score.Max)
	}
	return text + ", " + status
}

func yesNo(v bool) string {
	if v {
		return "Yes"
	}
	return "No"
}

// elapsed writes a duration for a reader: "1 h 2 min 3 s".
func elapsed(d time.Duration) string {
	if d < 0 {
		return "-" + elapsed(-max(d, -math.MaxInt64)) // the least duration has no opposite
	}
	if d < time.Second {
		return d.String()
	}
	d = d.Round(time.Second)
	var text string
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.of; n > 0 {
			if text != "" {
				text += " "
			}
			text += strconv.FormatInt(int64(n), 10) + " " + unit.name
		}
		d %= unit.of
	}
	return text
}
