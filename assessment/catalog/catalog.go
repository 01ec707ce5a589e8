package catalog

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// MaxSize is the size of the largest catalogue in bytes: 1 MiB, some thousand
// packages.
const MaxSize = yamlfile.MaxSize

// Parse reads a catalogue. Its error is an [*Error] without a name.
func Parse(data []byte) ([]assessment.Package, error) {
	return read(func(document func(yamlfile.Value)) error { return yamlfile.Parse(data, document) })
}

// Load reads a catalogue from a file system, such as an [embed.FS]. Its error is
// an [*Error] with the name, or wraps that of the file system.
func Load(fsys fs.FS, name string) ([]assessment.Package, error) {
	file, err := fsys.Open(name)
	return readFile(file, err, name)
}

// ReadFile reads a catalogue from a file of the operating system. Its errors are
// as those of [Load].
func ReadFile(path string) ([]assessment.Package, error) {
	file, err := os.Open(path)
	return readFile(file, err, path)
}

func readFile(file fs.File, err error, name string) ([]assessment.Package, error) {
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return read(func(document func(yamlfile.Value)) error { return yamlfile.Read(file, name, document) })
}

func read(from func(document func(yamlfile.Value)) error) ([]assessment.Package, error) {
	var packages []assessment.Package
	err := from(func(top yamlfile.Value) { packages = readDocument(top) })
	if err != nil {
		return nil, errorOf(err)
	}
	return packages, nil
}
