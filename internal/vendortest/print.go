package vendortest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// verbs are those that a host may print a value with.
var verbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%+q", "%#q", "%x", "%X", "% x", "%#x", "%# x", "%d", "%b", "%o", "%c", "%U", "%t", "%e", "%g", "%-8.2s",
}

// Printed is v in every way that a host may print, log or wrap it, by the name of
// the way.
func Printed(v any) map[string]string {
	pointer := reflect.ValueOf(v)
	if pointer.Kind() != reflect.Pointer {
		pointer = reflect.New(reflect.TypeOf(v))
		pointer.Elem().Set(reflect.ValueOf(v))
	}
	holders := map[string]any{
		"value": v, "pointer": pointer.Interface(), "struct": struct{ V any }{v}, "slice": []any{v, pointer.Interface()},
		"map": map[string]any{"k": v}, "array": [1]any{v},
	}
	all := make(map[string]string)
	for name, held := range holders {
		for _, verb := range verbs {
			all[name+" "+verb] = fmt.Sprintf(verb, held)
		}
		all[name+" slog text"] = logged(held, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) })
	}
	// What holds a value is written in its JSON form by slog's JSON handler, which
	// never asks what is inside for a LogValue; the value itself is asked.
	for name, held := range map[string]any{"value": v, "pointer": pointer.Interface()} {
		all[name+" slog JSON"] = logged(held, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) })
	}
	if err, ok := v.(error); ok {
		wrapped := fmt.Errorf("publishing: %w", err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			all["wrapped "+verb] = fmt.Sprintf(verb, wrapped)
		}
		all["wrapped slog JSON"] = logged(wrapped, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) })
		all["JSON"] = asJSON(err)
	}
	return all
}

func logged(v any, handler func(*bytes.Buffer) slog.Handler) string {
	var b bytes.Buffer
	log := slog.New(handler(&b))
	log.Info("m", "v", v)
	log.With("v", v).WithGroup("g").Info("m", slog.Group("h", slog.Any("v", v)))
	return b.String()
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // what has no JSON form shows nothing in it
	}
	return string(text)
}
