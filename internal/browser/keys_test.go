package browser

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// The keys lead through the rows, open one and resend it; in fields they are text.
func TestKeys(t *testing.T) {
	b := newTab(t)
	o := b.place("kombo", "ada@example.com", "")
	b.shows(o, "completed")
	b.until("both rows are there", "document.querySelectorAll('.row').length >= 2")
	marked := "document.querySelectorAll('.row')[%].classList.contains('at')"

	b.keys("j")
	b.until("j marks the first row", at(marked, "0"))
	b.keys("j")
	b.until("j marks the second row", at(marked, "1"))
	b.keys("k")
	b.until("k goes back", at(marked, "0"))
	b.keys(kb.Enter)
	b.until("Enter opens the row", "location.pathname.startsWith('/x/') && document.querySelector('#resend')")
	row := b.text("#detail-title")

	b.keys("?")
	b.until("? shows the keys", "!document.querySelector('#help').hidden && document.querySelector('#help-button').ariaExpanded === 'true'")
	b.keys(kb.Escape)
	b.until("Esc hides them", "document.querySelector('#help').hidden")

	b.do(focus("#email"))
	b.keys("j", "r", "?")
	b.until("keys in a field are text", "document.querySelector('#email').value.includes('jr?')")
	if b.text("#detail-title") != row {
		t.Error("a key in a field has acted")
	}
	b.until("the keys stay hidden", "document.querySelector('#help').hidden")
	b.keys(kb.Escape)
	b.until("Esc leaves the field", "document.activeElement !== document.querySelector('#email')")

	b.keys("r")
	b.until("r resends and shows the answer of now beside that of then", "document.querySelector('#detail') && document.querySelector('#diff')")
	b.keys("4")
	b.until("4 shows Ashby", "location.search === '?vendor=ashby'")
}
