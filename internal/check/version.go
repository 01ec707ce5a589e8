package check

import "runtime/debug"

const module = "github.com/assessbridge/assessbridge"

// kitVersion is the version of this module in the program, if it is a released one.
func kitVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	if info.Main.Path == module {
		return released(info.Main.Version)
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return released(dep.Version)
		}
	}
	return ""
}

// released leaves out what Go calls a module that is not of a release.
func released(version string) string {
	if version == "(devel)" {
		return ""
	}
	return version
}
