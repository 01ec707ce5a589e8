package kombo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo"
)

// shows reports in which form a text shows the marker, if it does.
func shows(text string) string {
	spaced := fmt.Sprintf("% x", marker)
	for _, form := range []string{
		marker, hex.EncodeToString([]byte(marker)), spaced,
		strings.ReplaceAll(spaced, " ", ", 0x"), strings.ReplaceAll(spaced, " ", " 0x"),
		strings.Trim(fmt.Sprintf("%d", []byte(marker)), "[]"),
		strings.Trim(fmt.Sprintf("%b", []byte(marker)), "[]"),
		strings.Trim(fmt.Sprintf("%o", []byte(marker)), "[]"),
		base64.StdEncoding.EncodeToString([]byte(marker)),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return form
		}
	}
	return ""
}

var everyVerb = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%# x",
	"%d", "%b", "%o", "%O", "%c", "%U", "%t", "%e", "%f", "%g", "%T", "%z", "%200v", "%-8.2s",
}

// A host prints and logs an event, and what is in it, with whatever verb. Of an
// unknown event nobody knows whom it is about.
func TestEventDataShowsNobody(t *testing.T) {
	order := bytes.ReplaceAll(orderBody(t), []byte(`"John"`), []byte(`"`+marker+`"`))
	order = bytes.ReplaceAll(order, []byte("john.doe@"), []byte(marker+"@"))
	order = bytes.ReplaceAll(order, []byte(`"+1 123 456 7890"`), []byte(`"`+marker+`"`))
	order = bytes.ReplaceAll(order, []byte(`"Jane"`), []byte(`"`+marker+`"`))
	// Three of them ten bytes apart: base64 shows the one at a multiple of three.
	unknown := []byte(`{"id":"e","type":"new","data":["` + marker + `", "` + marker + `", "` + marker + `"]}`)
	array := []byte(`{"id":"e","type":"integration-created","data":["` + marker + `"]}`)
	for name, body := range map[string][]byte{"order": order, "unknown": unknown, "another shape": array} {
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, shows(string(body)))
			event, err := kombo.ParseEvent(body)
			require.NoError(t, err)
			requireShowsNobody(t, event)
			switch d := event.Data.(type) {
			case kombo.OrderReceived:
				require.NotEmpty(t, shows(d.Order.Candidate.Email))
				requireShowsNobody(t, d)
			case kombo.UnknownEvent:
				require.NotEmpty(t, shows(string(d.Data)))
				requireShowsNobody(t, d)
			default:
				require.Failf(t, "unexpected", "%T", event.Data)
			}
		})
	}
}

func requireShowsNobody[T any](t *testing.T, v T) {
	t.Helper()
	type holder struct {
		Value   T
		Pointer *T
		Any     any
	}
	for name, value := range map[string]any{
		"value": v, "pointer": &v, "slice": []T{v}, "pointers": []*T{&v}, "map": map[string]any{"k": v},
		"struct": holder{v, &v, v}, "pointer to a struct": &holder{v, &v, &v},
	} {
		for _, verb := range everyVerb {
			text := fmt.Sprintf(verb, value)
			require.Empty(t, shows(text), "%s %s: %s", name, verb, text)
		}
		require.Empty(t, shows(fmt.Sprint("x", value)+fmt.Sprintln(value)+fmt.Errorf("on %v", value).Error()), name)
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		log.Info("x", "data", value)
		log.With("data", value).WithGroup("g").Info("x", slog.Group("h", slog.Any("data", value)))
		require.Empty(t, shows(text.String()), "%s in a text log", name)
	}
	// The JSON handler asks only the attribute itself for what to log; inside of
	// others it writes the JSON form, which holds everything.
	for name, value := range map[string]any{"value": v, "pointer": &v} {
		var text bytes.Buffer
		log := slog.New(slog.NewJSONHandler(&text, nil))
		log.Info("x", "data", value)
		log.With("data", value).WithGroup("g").Info("x", slog.Group("h", slog.Any("data", value)))
		require.Empty(t, shows(text.String()), "%s in a JSON log", name)
	}
}
