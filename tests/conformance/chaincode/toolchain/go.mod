// The Go that builds Kubo where Debian's is too old: a module like any other, whose checksums go.sum has.
module emrfs.invalid/examples/network/toolchain

go 1.19
