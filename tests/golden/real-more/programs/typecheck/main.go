// typecheck parses and type-checks packages of the standard library, several at a time.
package main

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"programs/harness"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	return p, nil
}

func main() {
	root := flag.String("src", "", "GOROOT/src")
	flag.Parse()
	var sources [][][]byte
	for _, name := range []string{"net/http", "go/types", "encoding/json", "crypto/tls", "reflect", "text/template", "net", "time"} {
		files, _ := filepath.Glob(filepath.Join(*root, name, "*.go"))
		var texts [][]byte
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			b, err := os.ReadFile(f)
			if err != nil {
				panic(err)
			}
			texts = append(texts, b)
		}
		sources = append(sources, texts)
	}
	run := func(count int) {
		var next atomic.Int64
		var all sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			all.Go(func() {
				for {
					n := int(next.Add(1)) - 1
					if n >= count {
						return
					}
					set := token.NewFileSet()
					var files []*ast.File
					for _, text := range sources[n%len(sources)] {
						f, err := parser.ParseFile(set, "f.go", text, parser.ParseComments|parser.SkipObjectResolution)
						if err == nil {
							files = append(files, f)
						}
					}
					info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
					conf := types.Config{Importer: nothing{}, Error: func(error) {}}
					conf.Check("p", set, files, info)
				}
			})
		}
		all.Wait()
	}
	run(8)
	harness.Begin()
	run(*harness.N)
	harness.End(*harness.N)
}
