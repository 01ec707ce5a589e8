package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// tab is one tab of the browser, with what the tests do in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site string // scheme and host of the page

	mu    sync.Mutex
	asked []string // the addresses that it asked for
}

// newTab opens a tab, which must not ask anybody but this machine until it closes.
func newTab(t *testing.T) *tab {
	t.Helper()
	entrance, err := url.Parse(stage.sandbox.entrance)
	if err != nil {
		t.Fatal(err)
	}
	ctx, closeTab := chromedp.NewContext(stage.browser)
	b := &tab{t: t, ctx: ctx, site: "http://" + entrance.Host}
	err = chromedp.Listen(ctx, func(event any) {
		if sent, ok := event.(*network.EventRequestWillBeSent); ok {
			b.mu.Lock()
			b.asked = append(b.asked, sent.Request.URL)
			b.mu.Unlock()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeTab()
		b.t = t
		b.onlyLoopback()
	})
	call(b, network.Enable, network.EnableParams{})
	return b
}

// onlyLoopback checks whom the tab asked.
func (b *tab) onlyLoopback() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.asked) == 0 {
		b.t.Error("the tab asked for nothing: the requests are not seen")
	}
	for _, address := range b.asked {
		u, err := url.Parse(address)
		if err == nil && (u.Scheme == "data" || net.ParseIP(u.Hostname()).IsLoopback()) {
			continue
		}
		b.t.Errorf("the page asked another machine: %s", address)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	limited, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(limited, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// call has the browser do something to the tab that a user does in its settings.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site + path))
}

// ask evaluates an expression; false while the page is not there.
func ask[T any](b *tab, expression string) (T, bool) {
	limited, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.Run(limited, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	return answer, err == nil
}

// until waits for an expression to be true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	b.untilAfter(what, expression, func() {})
}

// untilAfter does something again and again until an expression is true.
func (b *tab) untilAfter(what, expression string, act func()) {
	b.t.Helper()
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		act()
		if yes, ok := ask[bool](b, "!!("+expression+")"); ok && yes {
			return
		}
	}
	text, _ := ask[string](b, "location.href + '\\n' + document.body.innerText")
	b.t.Fatalf("waited in vain until %s: %s\n%s", what, expression, text)
}

// quote writes a string for an expression.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(text)
}

// click clicks on what a selector finds as soon as it is there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.until("there is "+selector, fmt.Sprintf("(e => e && (e.click(), true))(document.querySelector(%s))", quote(selector)))
}

// keys presses keys one after the other.
func (b *tab) keys(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// text is the text of what a selector finds.
func (b *tab) text(selector string) string {
	b.t.Helper()
	text, ok := ask[string](b, fmt.Sprintf("document.querySelector(%s).textContent", quote(selector)))
	if !ok {
		b.t.Fatalf("there is no %s", selector)
	}
	return strings.TrimSpace(text)
}

// order is one that the form placed.
type order struct{ vendor, id string }

func (o order) path() string { return "/o/" + o.vendor + "/" + url.PathEscape(o.id) }
func (o order) card() string {
	return fmt.Sprintf("article.card[data-vendor=%q][data-order=%q]", o.vendor, o.id)
}

// place fills the form in and sends it.
func (b *tab) place(vendor, email, fault string) order {
	b.t.Helper()
	b.visit("/?vendor=" + vendor)
	b.until("the form is filled in", fmt.Sprintf(`(() => {
		const option = [...document.querySelectorAll("#customer option")].find(o => o.value.startsWith(%s));
		if (!option) return false;
		document.querySelector("#customer").value = option.value;
		document.querySelector("#email").value = %s;
		document.querySelector("#faults").value = %s;
		return true;
	})()`, quote(vendor+" "), quote(email), quote(fault)))
	return b.arrives(vendor, "", func() { b.click("#place-order") })
}

// arrives is the order that the page shows after an action, another one than before.
func (b *tab) arrives(vendor, before string, act func()) order {
	b.t.Helper()
	act()
	prefix := "/o/" + vendor + "/"
	b.until("the page shows the new order", fmt.Sprintf(
		"document.readyState === 'complete' && location.pathname.startsWith(%s) && location.pathname !== %s",
		quote(prefix), quote(order{vendor, before}.path())))
	path, _ := ask[string](b, "location.pathname")
	id, err := url.PathUnescape(strings.TrimPrefix(path, prefix))
	if err != nil {
		b.t.Fatal(err)
	}
	return order{vendor, id}
}

// shows waits until the card of an order is in a group.
func (b *tab) shows(o order, group string) {
	b.t.Helper()
	b.until("the card is "+group, fmt.Sprintf("document.querySelector(%s)", quote(o.card()+"[data-group="+group+"]")))
}

// says waits until a verdict on the page of the order has a sentence, or the rest of one.
func (b *tab) says(o order, sentence string) {
	b.t.Helper()
	b.until("a verdict says "+sentence, fmt.Sprintf(
		"decodeURIComponent(location.pathname) === %s && [...document.querySelectorAll('.row .verdict')].some(v => v.textContent.includes(%s))",
		quote("/o/"+o.vendor+"/"+o.id), quote(sentence)))
}

// focus gives a field the focus and puts the cursor at its end.
func focus(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Focus(chromedp.CSS(selector))
}

// at puts a number into an expression.
func at(expression, n string) string { return strings.Replace(expression, "%", n, 1) }
