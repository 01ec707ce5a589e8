package browser

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
)

const reason = "We do not offer this test in the candidate's country."

// The first page shows orders with their results before anybody has pressed anything.
// How soon is told and not judged: a busy machine has no say in whether it is right.
func TestTheFirstPageShowsLife(t *testing.T) {
	s, err := start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	client := http.Client{Timeout: patience}
	response, err := client.Head(s.entrance)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Logf("from the start to the first answer: %v", time.Since(s.began).Round(time.Millisecond))

	b := newTab(t)
	b.visit("/")
	for _, vendor := range []string{"kombo", "stackone", "ashby"} {
		b.until(vendor+" shows a result", fmt.Sprintf(
			"document.querySelector('.card[data-vendor=%s][data-group=completed] [data-score]')?.textContent.includes('87')", vendor))
	}
	b.until("every endpoint is there", "document.querySelectorAll('#health li.good').length === 4")
	b.until("the timeline has sentences", "document.querySelectorAll('.row .verdict').length >= 6")
}

// The whole story, for each vendor: order, the provider takes it, the result is on
// the card, order again.
func TestTheStory(t *testing.T) {
	taken := map[string]string{
		"kombo":    "You answered 200: Kombo counts the order as taken; the recruiter sees it as open until your result comes.",
		"stackone": "You answered 200: StackOne counts the event as delivered; the recruiter sees the order as sent until your result comes.",
		"ashby":    "You answered 200: Ashby holds a live assessment; the recruiter sees that it was started.",
	}
	result := map[string]string{
		"kombo":    "You got 200: Kombo took your result; the recruiter sees COMPLETED, score 87 of 100.",
		"stackone": "You got 200: StackOne took your result; the recruiter sees completed, score 87 of 100.",
		"ashby":    "You got 200: Ashby took your update; the recruiter sees completed, score 87.",
	}
	for vendor, sentence := range taken {
		t.Run(vendor, func(t *testing.T) {
			b := newTab(t)
			first := b.place(vendor, "ada@example.com", "")
			b.says(first, sentence)
			b.says(first, result[vendor])
			b.shows(first, "completed")
			if score := b.text(first.card() + " [data-score]"); !strings.Contains(score, "87") {
				t.Errorf("the card shows the score %q", score)
			}
			again := b.arrives(vendor, first.id, func() { b.click(first.card() + " button[data-verb=again]") })
			b.says(again, sentence)
			b.says(again, result[vendor])
			b.shows(again, "completed")
			b.shows(first, "completed")
		})
	}
}

// At Ashby a recruiter cancels, and cancels and starts again.
func TestCancelAtAshby(t *testing.T) {
	const cancelled = "You answered 200: the assessment is cancelled; the recruiter may start it again."
	b := newTab(t)
	first := b.place("ashby", "ada@example.com", "")
	b.click(first.card() + " button[data-verb=cancel]")
	b.says(first, cancelled)
	b.shows(first, "cancelled")

	second := b.place("ashby", "ada@example.com", "")
	b.click(second.card() + " button[data-verb=restart]")
	b.says(second, cancelled)
	b.until("it was started twice", "[...document.querySelectorAll('.row .verdict')].filter(v => v.textContent.includes('Ashby holds a live assessment')).length === 2")
	b.says(second, "Ashby took your update; the recruiter sees completed, score 87.")
	b.shows(second, "completed")
}

// Who has only the page reads what happened to an order and what the recruiter sees.
func TestWhatBecameOfIt(t *testing.T) {
	b := newTab(t)
	const once = ", and the recruiter sees one; it must be one invitation at your side too."
	for _, c := range []struct {
		vendor, email, fault string
		sentence             string
		group                string
	}{
		{"kombo", "reject@example.com", "", "You answered 422: Kombo marks the order as rejected; the recruiter reads “" + reason + "”", "rejected"},
		{"kombo", "ada@example.com", "duplicate=1", "It came once more and you answered 200: Kombo counts it as one order" + once, "completed"},
		{"kombo", "ada@example.com", "lost", "Lost before it was sent: the recruiter sees an open order; you learn of it only by asking Kombo for open orders.", "open"},
		{"kombo", "ada@example.com", "late=1s", "It was sent 1s late; until then the recruiter saw an open order. You answered 200: Kombo counts the order as taken; the recruiter sees it as open until your result comes.", "completed"},
		{"stackone", "reject@example.com", "", "StackOne took your result; the recruiter sees cancelled and no reason: Teamtailor does not show your “" + reason + "”", "cancelled"},
		{"stackone", "ada@example.com", "duplicate=1", "It came once more and you answered 200: StackOne counts it as one order" + once, "completed"},
		{"stackone", "ada@example.com", "lost", "Lost before it was sent: the recruiter sees the order as sent; nobody ever tells you of it.", "open"},
		{"stackone", "ada@example.com", "late=1s", "It was sent 1s late; until then the recruiter saw the order as sent. You answered 200: StackOne counts the event as delivered; the recruiter sees the order as sent until your result comes.", "completed"},
		{"ashby", "reject@example.com", "", "You answered 422: the assessment does not start; the recruiter reads “" + reason + "”", "rejected"},
		{"ashby", "ada@example.com", "duplicate=1", "It came once more and you answered 200: Ashby got the id of the live assessment once more; the recruiter sees one assessment.", "completed"},
		{"ashby", "ada@example.com", "lost", "Lost before it was sent: the stage hangs at “starting”; you never hear of it.", "open"},
		{"ashby", "ada@example.com", "late=1s", "It was sent 1s late; until then the recruiter saw “starting”. You answered 200: Ashby holds a live assessment; the recruiter sees that it was started.", "completed"},
	} {
		t.Run(c.vendor+" "+c.email[:3]+" "+c.fault, func(t *testing.T) {
			b.t = t
			o := b.place(c.vendor, c.email, c.fault)
			b.says(o, c.sentence)
			b.shows(o, c.group)
			if c.fault != "" {
				b.until("the fault is named", fmt.Sprintf(
					"[...document.querySelectorAll('.row .badge.fault')].some(f => f.textContent.includes(%s))", quote(c.fault)))
			}
			if c.email == "reject@example.com" && !strings.Contains(b.text(o.card()), reason) {
				t.Error("the card does not show the reason, nor that it is not shown")
			}
			b.until("the chosen card has its ring", fmt.Sprintf("document.querySelector(%s)", quote(o.card()+".now")))
		})
	}
	t.Run("outage", func(t *testing.T) {
		b.t = t
		b.says(b.place("kombo", "fail@example.com", ""), ": Kombo keeps the order open; the recruiter sees nothing yet.")
	})
}

// Without scripts everything can be ordered, and seen by reloading.
func TestWithoutJavaScript(t *testing.T) {
	b := newTab(t)
	b.visit("/?vendor=kombo")
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.visit("/?vendor=kombo")
	o := b.place("kombo", "noscript@example.com", "")
	b.untilAfter("the result is on the reloaded page", fmt.Sprintf(
		"document.querySelector(%s)?.textContent.includes('87')", quote(o.card()+" [data-score]")), func() { b.visit(o.path()) })
	if live, _ := ask[bool](b, "!!document.querySelector('#live').textContent"); live {
		t.Error("a script has run")
	}
}
