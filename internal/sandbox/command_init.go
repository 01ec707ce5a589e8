package sandbox

import (
	_ "embed" // the file
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed sandbox.example.yaml
var exampleConfig string

func (c *command) initialise(f *flag.FlagSet) func([]string) error {
	name := f.String("output", configFile, "`FILE` to write")
	force := f.Bool("force", false, "replace a file that is there")
	return func(args []string) error {
		if err := none(args); err != nil {
			return err
		}
		mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
		if *force {
			mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		}
		file, err := os.OpenFile(filepath.Clean(*name), mode, 0o644) //nolint:gosec // it has no secrets
		switch {
		case errors.Is(err, fs.ErrExist):
			return usagef("%s is there already: --force replaces it", *name)
		case err != nil:
			return failure{ExitUsage, err}
		}
		_, err = file.WriteString(exampleConfig)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		c.say("wrote %s", *name)
		return nil
	}
}
