package yamlfile

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

type panickingReader struct{}

func (panickingReader) Read([]byte) (int, error) { panic("index out of range") }

// No input is known that makes this version of yaml.v3 panic, so the panic comes
// from below it.
func TestParserPanicIsAnError(t *testing.T) {
	top, err := next(yaml.NewDecoder(panickingReader{}))
	require.EqualError(t, err, "the parser gave up: index out of range")
	require.Nil(t, top)

	var p Problems
	addSyntax(err, nil, &p)
	require.EqualError(t, p.err(), "line 1: not YAML, here or below: the parser gave up: index out of range")
}
