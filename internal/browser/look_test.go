package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeCore is the script of axe-core, which is kept with the licence that it came under.
func axeCore(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	licence, err := os.ReadFile("testdata/axe.LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(licence), "Mozilla Public License") {
		t.Error("the licence of axe-core is not the one that its script names")
	}
	return string(script)
}

func (b *tab) size(width, height int64, scale float64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale})
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}

// pages are a page of each kind: all orders, one order, an exchange with its editor.
func (b *tab) pages() []string {
	b.t.Helper()
	o := b.place("kombo", "reject@example.com", "")
	b.until("there is a row", "document.querySelector('.row a.open')")
	exchange, _ := ask[string](b, "document.querySelector('.row a.open').getAttribute('href')")
	return []string{"/", o.path(), exchange + "?edit=1"}
}

// Nothing has to be moved sideways on a telephone, or with letters twice as large.
func TestNarrow(t *testing.T) {
	b := newTab(t)
	for _, path := range b.pages() {
		for name, width := range map[string]int64{"360 px": 360, "200 %": 640} {
			b.size(width, 640, 2)
			b.visit(path)
			b.click("#help-button")
			_, _ = ask[bool](b, "document.querySelectorAll('details').forEach(d => d.open = true), true")
			b.until(path+" fits into "+name, "document.documentElement.scrollWidth <= innerWidth && innerWidth <= 640")
		}
	}
}

// axe finds no violation, in the light nor in the dark.
func TestAccessibility(t *testing.T) {
	b := newTab(t)
	axe, paths := axeCore(t), b.pages()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, path := range paths {
			b.visit(path)
			_, _ = ask[bool](b, "document.querySelectorAll('details').forEach(d => d.open = true), true")
			if _, ok := ask[bool](b, axe+"; true"); !ok {
				t.Fatal("axe does not start")
			}
			found, ok := ask[[]string](b, `axe.run({resultTypes: ['violations']}).then(r => r.passes.length < 10 ? ["axe looked at nothing"] :
				r.violations.map(v => v.id + ": " + v.help + " " + v.nodes.map(n => n.html.slice(0, 160) + " " + n.failureSummary).join("\n")))`)
			if !ok {
				t.Fatal("axe does not answer")
			}
			for _, violation := range found {
				t.Errorf("%s, %s: %s", path, scheme, violation)
			}
		}
	}
}

// picturesVariable, when set, has the pictures written for the documentation.
const picturesVariable = "ASSESSBRIDGE_PICTURES"

// Both schemes are drawn, and are different.
func TestPictures(t *testing.T) {
	dir := stage.pictures
	if os.Getenv(picturesVariable) != "" {
		dir = filepath.Join("..", "..", "docs")
	}
	b := newTab(t)
	b.size(1440, 1000, 1)
	o := b.place("kombo", "ada@example.com", "duplicate=1")
	b.shows(o, "completed")
	grounds := map[string]bool{}
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.visit(o.path())
		b.until("the page is drawn", "document.querySelectorAll('.row').length >= 3")
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if len(picture) == 0 || len(picture) > 300_000 {
			t.Errorf("the picture of the %s scheme has %d bytes", scheme, len(picture))
		}
		if err := os.WriteFile(filepath.Join(dir, "sandbox-"+scheme+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
		ground, _ := ask[string](b, "getComputedStyle(document.documentElement).backgroundColor")
		grounds[ground] = true
	}
	if len(grounds) != 2 {
		t.Errorf("the grounds of the schemes are %v", grounds)
	}
}
