package acl

import (
	"strings"
	"testing"
)

// FuzzRules has rules of any kind made into users. What is accepted comes back from its words as it is, and from its
// description with the same rights.
func FuzzRules(f *testing.F) {
	for _, line := range []string{
		"on nopass ~* &* +@all", "off >a <a", "+get -set +config|get -config|set +select|0 +SELECT|1", "%R~a %W~a %RW~* %RW ~",
		"(+get ~a) ( +set ~b ) ()", "reset (~\"a b\")", "-@all +@read -@write -get", "#00 !00", "&a &b resetchannels &c allchannels",
		"skip-sanitize-payload sanitize-payload clearselectors", "(+@all -config) nocommands allkeys resetkeys",
	} {
		f.Add(line, false)
	}
	table := testTable(f)
	f.Fuzz(func(t *testing.T, line string, channels bool) {
		u, words, err := Blank("u", 7, channels).Set(strings.Split(line, " "), table, channels)
		if err != nil {
			if u != nil || words != nil {
				t.Fatal("there is a user in spite of an error")
			}
			return
		}
		if err := Sound(words); err != nil {
			t.Fatalf("the words %q of a user are not sound: %v", words, err)
		}
		same, err := Blank("u", 7, channels).Change(words, channels)
		if err != nil || strings.Join(same.Words(), "\x00") != strings.Join(u.Words(), "\x00") {
			t.Fatalf("%q makes %q of its words, %q of its rules: %v", line, same.Words(), u.Words(), err)
		}
		checkWords(t, u)
		for _, spec := range table.Public() {
			u.Judge(spec, [][]byte{[]byte(spec.Name), []byte("a"), []byte("b")})
		}
		// As in Redis, white space in a first argument, quotes and parentheses, and a star among other patterns are
		// misread.
		if text := u.Describe(table); !strings.ContainsAny(strings.Join(u.Words(), ""), " \t\r\n\v\f\x00") && text == strings.TrimPrefix(u.line(table), "user u ") {
			checkDescription(t, table, u)
		}
	})
}

// FuzzFile has files of any kind loaded. What is loaded and saved is loaded once more as the same.
func FuzzFile(f *testing.F) {
	f.Add("user a on +get ~a (+set ~b)\nuser default off\n")
	f.Add("user a on\n\nuser a off (\n# x\nuser b\t+x")
	f.Add("user a (~\"a\\\"b\" ~'x' +get)")
	table := testTable(f)
	f.Fuzz(func(t *testing.T, text string) {
		users, err := Load("file", text, table, false)
		if err != nil {
			return
		}
		for _, u := range users.All() {
			for _, w := range u.Words() {
				if strings.ContainsAny(w, " \t\r\n\v\f\x00") {
					return // of a first argument
				}
			}
		}
		again, err := Load("file", users.Text(table), table, false)
		if err != nil {
			t.Fatalf("%q was saved as %q, and is refused: %v", text, users.Text(table), err)
		}
		if a, b := users.Text(table), again.Text(table); a != b {
			t.Fatalf("%q became %q", a, b)
		}
	})
}

// FuzzUser has bytes of any kind read as a user.
func FuzzUser(f *testing.F) {
	f.Add("u", AppendWords(nil, defaultUser().Words()))
	f.Add("u", AppendWords(nil, []string{"(", ")", "(", "+get", ")"}))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		u, err := ReadUser(name, 3, b)
		if err == nil {
			checkWords(t, u)
		}
	})
}
