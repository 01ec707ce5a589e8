package yamlfile

import (
	"fmt"
	"io"
	"io/fs"
)

// MaxSize is the size of the largest file in bytes: 1 MiB.
const MaxSize = 1 << 20

// Parse gives the value at the top of a document to read. The error is an [*Error]
// without a name.
//
// Each stage needs the one before to be free of mistakes: characters, then YAML,
// then what read reports. Within a stage, all mistakes are found.
func Parse(data []byte, read func(Value)) error {
	var p Problems
	checkText(data, &p)
	if p.any() {
		return p.err()
	}
	root := parseYAML(data, &p)
	if p.any() {
		return p.err()
	}
	top := Value{node: root, problems: &p}
	if isNull(root) && plain(root, &p) {
		p.add(root.Line, "empty document")
	} else {
		read(top)
	}
	return p.err()
}

// Read reads an open file to its end and closes it. Name stands in front of every
// problem.
func Read(file fs.File, name string, read func(Value)) error {
	// One byte more than the limit shows that a file is beyond it.
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	_ = file.Close() // it was only read from
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return named(Parse(data, read), name)
}
