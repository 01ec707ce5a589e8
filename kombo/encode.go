package kombo

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

// appendResult writes the body of a result. Attachments are encoded straight
// into the body, which is allocated once: encoding/json would hold three copies
// of a report of 20 MB.
func appendResult(w *wireResult, files []wireAttachment, attachments []assessment.Attachment) ([]byte, error) {
	head, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("kombo: encode result: %w", err)
	}
	if len(files) == 0 {
		return head, nil
	}
	items := make([][]byte, len(files))
	size := len(head) + len(`,"attachments":[]`)
	for i, a := range attachments {
		items[i], err = json.Marshal(files[i])
		if err != nil {
			return nil, fmt.Errorf("kombo: encode attachment: %w", err)
		}
		size += len(`,`) + len(items[i]) + len(`,"data":""`) + base64.StdEncoding.EncodedLen(len(a.Data))
	}
	body := make([]byte, 0, size)
	body = append(body, head[:len(head)-1]...) // without the closing brace
	body = append(body, `,"attachments":[`...)
	for i, a := range attachments {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendAttachment(body, items[i], a.Data)
	}
	return append(body, `]}`...), nil
}

func appendAttachment(body, item, data []byte) []byte {
	if len(data) == 0 {
		return append(body, item...)
	}
	body = append(body, item[:len(item)-1]...)
	body = append(body, `,"data":"`...)
	body = base64.StdEncoding.AppendEncode(body, data)
	return append(body, `"}`...)
}
