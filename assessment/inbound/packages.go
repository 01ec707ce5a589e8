package inbound

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assessbridge/assessbridge/assessment"
)

// Listed returns the packages that can be answered to a vendor who asks for the
// list. One without an id or a name, with an id that another has, or with an id that
// nobody can see or type is left out and logged at Warn: such an entry would spoil
// the whole list, or an order of it could not be told from another. Names may be
// equal. In texts, bytes that are no UTF-8 are replaced and NULs left out, for which
// a vendor might refuse the list.
//
// A catalogue that is pushed (Kombo) is refused for the same reasons instead,
// because what is left out there is deleted.
func (h *Handler) Listed(ctx context.Context, account string, packages []assessment.Package) []assessment.Package {
	listed := make([]assessment.Package, 0, len(packages))
	seen := make(map[string]bool, len(packages))
	for i, p := range packages {
		problem := packageProblem(p)
		if problem == "" && seen[p.ID] {
			problem = "another package has the same id"
		}
		if problem != "" {
			h.Logger().LogAttrs(ctx, slog.LevelWarn, "package not listed",
				slog.String("vendor", string(h.vendor)), slog.String("connection", h.connection),
				slog.String("account", account), slog.Int("index", i), slog.String("reason", problem))
			continue
		}
		seen[p.ID] = true
		p.RemoteID, p.Name, p.Description = storable(p.RemoteID), storable(p.Name), storable(p.Description)
		p.Tests = h.tests(ctx, account, i, p.Tests)
		listed = append(listed, p)
	}
	return listed
}

// tests leaves out those of a package that have no name: nobody could tell what
// they are.
func (h *Handler) tests(ctx context.Context, account string, index int, tests []assessment.Test) []assessment.Test {
	named := func(t assessment.Test) bool { return !unseen(t.Name) }
	if !slices.ContainsFunc(tests, func(t assessment.Test) bool { return !named(t) || t != storableTest(t) }) {
		return tests // the host's own slice is never changed
	}
	var listed []assessment.Test
	for i, t := range tests {
		if named(t) {
			listed = append(listed, storableTest(t))
			continue
		}
		h.logger.LogAttrs(ctx, slog.LevelWarn, "test of a package not listed",
			slog.String("vendor", string(h.vendor)), slog.String("connection", h.connection),
			slog.String("account", account), slog.Int("index", index), slog.Int("test", i), slog.String("reason", "no name"))
	}
	return listed
}

func storableTest(t assessment.Test) assessment.Test {
	t.ID, t.RemoteID = storable(t.ID), storable(t.RemoteID)
	t.Name, t.Description = storable(t.Name), storable(t.Description)
	return t
}

// storable returns text without what no vendor's database takes.
func storable(text string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\ufffd")
}

func packageProblem(p assessment.Package) string {
	switch {
	case p.ID == "":
		return "no id"
	case !utf8.ValidString(p.ID) || strings.ContainsFunc(p.ID, invisible) || strings.TrimSpace(p.ID) != p.ID:
		return "the id has characters that cannot be seen"
	case unseen(p.Name):
		return "no name"
	}
	return ""
}

// unseen says whether a name shows nothing.
func unseen(name string) bool {
	return strings.TrimFunc(name, func(r rune) bool { return unicode.IsSpace(r) || invisible(r) }) == ""
}

// invisible says whether a character leaves no mark: controls, and the format
// characters that Unicode has for the width and direction of others.
func invisible(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
