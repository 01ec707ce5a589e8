package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

// The parts of an HTTP archive: http://www.softwareishard.com/blog/har-12-spec/
type (
	harLog struct {
		Version string     `json:"version"`
		Creator harName    `json:"creator"`
		Entries []harEntry `json:"entries"`
	}
	harName struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harEntry struct {
		Started  time.Time   `json:"startedDateTime"`
		Time     float64     `json:"time"` // milliseconds
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
		Comment  string      `json:"comment,omitempty"`
	}
	harRequest struct {
		harMessage
		Method string    `json:"method"`
		URL    string    `json:"url"`
		Query  []harPair `json:"queryString"`
		Body   *harBody  `json:"postData,omitempty"`
	}
	harResponse struct {
		harMessage
		Status     int     `json:"status"` // 0: no answer
		StatusText string  `json:"statusText"`
		Content    harBody `json:"content"`
		Redirect   string  `json:"redirectURL"`
	}
	harMessage struct {
		Version  string    `json:"httpVersion"`
		Cookies  []harPair `json:"cookies"`
		Headers  []harPair `json:"headers"`
		HeadSize int       `json:"headersSize"` // -1: unknown
		BodySize int       `json:"bodySize"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harBody struct {
		Size     int    `json:"size"`
		MIME     string `json:"mimeType"`
		Text     string `json:"text,omitempty"`
		Encoding string `json:"encoding,omitempty"`
	}
	harTimings struct {
		Send    int     `json:"send"`
		Wait    float64 `json:"wait"`
		Receive int     `json:"receive"`
	}
)

// harOf is what was said as an archive. It holds what the page shows, so that secrets
// are redacted in it too; a message that was not sent is not in it.
func harOf(rows []Row) harLog {
	log := harLog{Version: "1.2", Creator: harName{"assessbridge sandbox", "1"}, Entries: []harEntry{}}
	for _, r := range rows {
		if r.Method == "" {
			continue
		}
		took := float64(r.Duration) / float64(time.Millisecond)
		entry := harEntry{
			Started: r.At, Time: took, Timings: harTimings{Wait: took}, Comment: r.Verdict.Text,
			Request: harRequest{harMessage: messageOf(r.RequestHeader, r.RequestBody), Method: r.Method, URL: r.URL, Query: []harPair{}},
			Response: harResponse{
				harMessage: messageOf(r.ResponseHeader, r.ResponseBody), Status: r.Status, StatusText: http.StatusText(r.Status),
				Content: bodyOf(r.ResponseHeader, r.ResponseBody), Redirect: r.ResponseHeader.Get("Location"),
			},
		}
		if u, err := url.Parse(r.URL); err == nil {
			for _, line := range headerLines(http.Header(u.Query())) {
				entry.Request.Query = append(entry.Request.Query, harPair(line))
			}
		}
		if len(r.RequestBody) > 0 {
			body := bodyOf(r.RequestHeader, r.RequestBody)
			entry.Request.Body = &body
		}
		log.Entries = append(log.Entries, entry)
	}
	return log
}

func messageOf(h http.Header, body []byte) harMessage {
	m := harMessage{Version: "HTTP/1.1", Cookies: []harPair{}, Headers: []harPair{}, HeadSize: -1, BodySize: len(body)}
	for _, line := range headerLines(h) {
		m.Headers = append(m.Headers, harPair(line))
	}
	return m
}

func bodyOf(h http.Header, body []byte) harBody {
	b := harBody{Size: len(body), MIME: h.Get("Content-Type"), Text: string(body)}
	if !utf8.Valid(body) {
		b.Text, b.Encoding = base64.StdEncoding.EncodeToString(body), "base64"
	}
	return b
}

// downloadHAR hands out what was said about an order.
func (p *page) downloadHAR(w http.ResponseWriter, r *http.Request) {
	rows := p.app.Timeline(Ref{r.PathValue("vendor"), r.PathValue("order")})
	if len(rows) == 0 {
		http.NotFound(w, r)
		return
	}
	data, err := json.MarshalIndent(map[string]harLog{"log": harOf(rows)}, "", "  ")
	if err != nil {
		http.Error(w, "the archive cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="exchange-`+strconv.Itoa(rows[0].N)+`.har"`)
	_, _ = w.Write(data)
}
