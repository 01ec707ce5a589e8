package catalog

import (
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// MaxSize is the size of the largest catalogue in bytes: 1 MiB, some thousand
// packages.
const MaxSize = yamlfile.MaxSize

// Catalog is a catalogue with everything that its file holds: the provider's
// packages, and what customers call them. It is a [Resolver].
type Catalog struct {
	packages []assessment.Package
	byID     map[string]int // index of packages
	aliases  map[aliasKey]string
	jobs     map[jobKey]string
}

// Packages returns the packages in the order of the file.
func (c *Catalog) Packages() []assessment.Package { return slices.Clone(c.packages) }

// New reads a catalogue from YAML. Its error is an [*Error] without a name.
func New(yaml []byte) (*Catalog, error) {
	return read(func(document func(yamlfile.Value)) error { return yamlfile.Parse(yaml, document) })
}

// Open reads a catalogue from a file system, such as an [embed.FS]. Its error is
// an [*Error] with the name, or wraps that of the file system.
func Open(fsys fs.FS, name string) (*Catalog, error) {
	file, err := fsys.Open(name)
	return readFile(file, err, name)
}

// Parse returns the packages of a catalogue, as [New] reads it.
func Parse(data []byte) ([]assessment.Package, error) { return packagesOf(New(data)) }

// Load returns the packages of a catalogue, as [Open] reads it.
func Load(fsys fs.FS, name string) ([]assessment.Package, error) { return packagesOf(Open(fsys, name)) }

// ReadFile returns the packages of a catalogue in a file of the operating system.
// Its errors are as those of [Open].
func ReadFile(path string) ([]assessment.Package, error) {
	file, err := os.Open(path)
	return packagesOf(readFile(file, err, path))
}

func packagesOf(c *Catalog, err error) ([]assessment.Package, error) {
	if err != nil {
		return nil, err
	}
	return c.packages, nil
}

func readFile(file fs.File, err error, name string) (*Catalog, error) {
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	return read(func(document func(yamlfile.Value)) error { return yamlfile.Read(file, name, document) })
}

func read(from func(document func(yamlfile.Value)) error) (*Catalog, error) {
	c := &Catalog{byID: map[string]int{}, aliases: map[aliasKey]string{}, jobs: map[jobKey]string{}}
	if err := from(c.readDocument); err != nil {
		return nil, errorOf(err)
	}
	return c, nil
}
