package outbound

import (
	"strings"
	"unicode"

	"github.com/assessbridge/assessbridge/assessment"
)

// FileName returns the name of an attachment without the path and without
// characters that a reader cannot see, and with an extension for its content
// type if it has none. Remarks say what was changed. The name is empty if nothing
// is left of it.
func FileName(a assessment.Attachment) (name string, remarks []string) {
	name = BaseName(a.Name)
	if name == "" {
		return "", nil
	}
	if name != a.Name {
		remarks = append(remarks, Cleaned)
	}
	if hasExtension(name) {
		return name, remarks
	}
	extension := extensionOf(a.ContentType)
	if extension == "" {
		return name, append(remarks, "has no extension, and none is known for its content type")
	}
	return name + extension, append(remarks, "sent with the extension "+extension+" of its content type")
}

// Cleaned is the remark on a name that [BaseName] has changed.
const Cleaned = "sent without path and control characters"

// BaseName is what stands behind the last slash of either kind. Format characters
// go with the controls: they can turn the text around, so that a file seems to be
// of another type.
func BaseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if strings.Trim(name, ".") == "" {
		return ""
	}
	return name
}

// hasExtension: a few ASCII letters and digits behind the last dot, with a letter
// among them. "Report 2.1" and "Results 2024.06" have none.
func hasExtension(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 || len(name)-dot-1 > 10 {
		return false
	}
	letters := false
	for _, c := range []byte(name[dot+1:]) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letters = true
		case c < '0' || c > '9':
			return false
		}
	}
	return letters
}

// extensions are those of the content types that providers send. The tables of
// the operating system, which package mime reads, differ from machine to machine.
var extensions = [...]struct{ contentType, extension string }{
	{"application/json", ".json"},
	{"application/msword", ".doc"},
	{"application/pdf", ".pdf"},
	{"application/rtf", ".rtf"},
	{"application/vnd.ms-excel", ".xls"},
	{"application/vnd.ms-powerpoint", ".ppt"},
	{"application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"},
	{"application/xml", ".xml"},
	{"application/zip", ".zip"},
	{"audio/mp4", ".m4a"},
	{"audio/mpeg", ".mp3"},
	{"audio/wav", ".wav"},
	{"image/gif", ".gif"},
	{"image/jpeg", ".jpg"},
	{"image/png", ".png"},
	{"image/svg+xml", ".svg"},
	{"image/webp", ".webp"},
	{"text/csv", ".csv"},
	{"text/html", ".html"},
	{"text/markdown", ".md"},
	{"text/plain", ".txt"},
	{"text/xml", ".xml"},
	{"video/mp4", ".mp4"},
	{"video/quicktime", ".mov"},
	{"video/webm", ".webm"},
}

func extensionOf(contentType string) string {
	bare, _, _ := strings.Cut(contentType, ";")
	bare = strings.ToLower(strings.TrimSpace(bare))
	for _, known := range extensions {
		if known.contentType == bare {
			return known.extension
		}
	}
	return ""
}
