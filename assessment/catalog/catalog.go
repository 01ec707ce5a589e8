package catalog

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/assessbridge/assessbridge/assessment"
)

// MaxSize is the size of the largest catalogue in bytes: 1 MiB, some thousand
// packages.
const MaxSize = 1 << 20

// Parse reads a catalogue. Its error is an [*Error] without a name.
func Parse(data []byte) ([]assessment.Package, error) {
	var p problems
	packages := parse(data, &p)
	if err := p.err(); err != nil {
		return nil, err
	}
	return packages, nil
}

// Load reads a catalogue from a file system, such as an [embed.FS]. Its error is
// an [*Error] with the name, or wraps that of the file system.
func Load(fsys fs.FS, name string) ([]assessment.Package, error) {
	file, err := fsys.Open(name)
	return read(file, err, name)
}

// ReadFile reads a catalogue from a file of the operating system. Its errors are
// as those of [Load].
func ReadFile(path string) ([]assessment.Package, error) {
	file, err := os.Open(path)
	return read(file, err, path)
}

func read(file fs.File, err error, name string) ([]assessment.Package, error) {
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	// One byte more than the limit shows that a file is beyond it.
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	_ = file.Close() // it was only read from
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	packages, err := Parse(data)
	if err != nil {
		return nil, named(err, name)
	}
	return packages, nil
}

// parse goes from the bytes inwards. Each stage needs the one before to be free
// of problems; within a stage, all problems are found.
func parse(data []byte, p *problems) []assessment.Package {
	checkText(data, p)
	if p.any() {
		return nil
	}
	root := parseYAML(data, p)
	if p.any() {
		return nil
	}
	return readDocument(root, p)
}
