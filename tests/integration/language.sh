#!/bin/bash
# language.sh: a patient and a doctor read everything in Portuguese, and programs read what they always did.
. "${SUPPORT:=$(dirname "$0")/../support}/mount.sh"
. "$SUPPORT/clear.sh"
. "$SUPPORT/two.sh"
two_begin language
export TZ=UTC
emr_portuguese # as on a computer that is set up so
portuguese() { export LC_ALL=pt_PT.UTF-8; } 2>/dev/null # bash itself does not look below LOCPATH
english() { export LC_ALL=C; }

say "help and mistakes, without a keyring"
portuguese
two_home ana
run 0 help
says "Abrir a sua pasta"
says "Todos os verbos aceitam:"
run 0 help mount
says "fechar a pasta quando não for usada durante TIME"
says "Opções de todos os verbos, códigos de saída e campos JSON: man emrfs-mount"
run 2 mout
says 'Não há nenhum verbo "mout". Queria dizer "mount"?'
run 10 mount
says "Ainda não há aqui nenhum porta-chaves"
run 10 --as outra mount
says "emrfs --as outra init; de uma cópia de segurança: emrfs --as outra init --restore DIR"

say "a first start at a terminal: questions, answers, the page with the words"
cat >terminal.py <<'END'
import os, pty, re, select, sys
program, home = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(EMRFS_HOME=home, TERM="xterm")
    os.execv(program, [program, "init"])
seen, words = b"", {}
def expect(pattern):
    global seen
    while not (found := re.search(pattern.encode(), seen)):
        if not select.select([fd], [], [], 1200)[0]:
            sys.exit(f"not said: {pattern}; {seen.decode(errors='replace')}")
        try:
            more = os.read(fd, 4096)
        except OSError:
            more = b""
        if not more:
            sys.exit(f"ended without: {pattern}; {seen.decode(errors='replace')}")
        seen += more
    seen = seen[found.end():]
    return found
def type_line(line): os.write(fd, line.encode() + b"\n")
expect(r"O seu nome[^:]* \(pode ficar vazio\):"); type_line("Inês Conceição")
expect("data de nascimento"); type_line("12.3.1984")
expect("não está no futuro"); expect("data de nascimento"); type_line("1984-03-12")
expect("Nova frase-passe: "); type_line("password1")
expect(r"encontraria esta frase-passe em cerca de [0-9]+( mil| milhões de| mil milhões de)? tentativas")
expect("Nova frase-passe: "); type_line("uma frase que ninguém sabe")
expect("De novo, igual: "); type_line("uma frase que ninguém sabe")
expect("Escreva estas 24 palavras em papel")
page = expect(r"(?s)(.*?)Depois prima Enter").group(1).decode()
words = {int(n): w for n, w in re.findall(r"(\d+) ([a-z]+)", page)}
assert len(words) == 24, page
type_line("")
for _ in range(3):
    n = int(expect(r"Palavra (\d+):").group(1)); type_line(words[n])
expect("Inês Conceição, o seu porta-chaves está em ")
expect("Abra a sua pasta: emrfs mount")
try:
    while os.read(fd, 4096): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
mkdir -m 700 ines && printf 'kdf = 8,1\nnotify = none\n' >ines/settings
must python3 terminal.py "$EMRFS" "$EMR_WORK/ines"
printf 'uma frase que ninguém sabe' >ines-pass && chmod 600 ines-pass
EMRFS_HOME=$EMR_WORK/ines run 0 device --passphrase-file ines-pass
says "ainda não guardou nada  este computador"

say "yes and no in the language of the question, and in English"
cat >asked.py <<'END'
import os, pty, select, sys
program, answer, wanted = sys.argv[1:4]
pid, fd = pty.fork()
if pid == 0:
    os.execv(program, [program, *sys.argv[4:]])
seen, typed = b"", False
while select.select([fd], [], [], 1200)[0]:
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more: break
    seen += more
    if not typed and "sim ou não)?".encode() in seen:
        os.write(fd, answer.encode() + b"\n"); typed = True
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(0 if typed and str(code) == wanted else f"{answer}: exit {code}; {seen.decode(errors='replace')}")
END

english
two_network "São Lucas"
two_ana_and_lima "Ana Silva"
portuguese
run 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
says "A sua pasta está aberta em $EMR_WORK/ana-folder.  Para a fechar: emrfs unmount"
mkdir ana-folder/Imaging && head -c 63884 /dev/urandom >ana-folder/Imaging/MRI.pdf && echo one >ana-folder/Imaging/a.txt
run 0 status --wait

say "status: whole sentences, numbers and days as they are written there"
run 0 status
says "Saúde de Ana Silva, aberta em $EMR_WORK/ana-folder"
says $'2 ficheiros e 2 pastas, 63\xc2\xa0888 bytes.  Seguro neste disco: tudo.  No livro-razão: 2 ficheiros.' # a blank that does not break
says "Livro-razão: o de São Lucas, com 3 membros."
run 0 status ana-folder/Imaging/a.txt
grep -qE '^Versão [0-9a-z:]+, 20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}, 4 bytes, no livro-razão, 2 cópias\.' out/said || emr_fail "$(cat out/said)"

say "a share is explained, asked and listed"
must python3 asked.py "$EMRFS" não 13 share Imaging with lima
must python3 asked.py "$EMRFS" no 13 share Imaging with lima
must python3 asked.py "$EMRFS" Sim 0 share Imaging with lima --wait
run 0 share
says "lima, São Lucas (diz chamar-se Paula Lima)"
says "leitura   tratamento   até "
run 0 share Imaging with lima --yes --wait
says "Já está partilhado assim; nada foi alterado."

say "the log tells who did what"
run 0 log
says $'   Ana Silva  guardou  Imaging/MRI.pdf v1, 63\xc2\xa0884 bytes   provado'
grep -qE 'Ana Silva  partilhou Imaging com lima, São Lucas \(diz chamar-se Paula Lima\), para ler até 20[0-9-]{8} [0-9:]{5}, para tratamento' out/said || emr_fail "$(cat out/said)"
says "provado: está no livro-razão"
grep -q '^O que aconteceu aos seus registos, o mais recente no fim\.' ana-folder/.emrfs/log || emr_fail "$(cat ana-folder/.emrfs/log)"
for file in status.json log.json index.csv; do
	! grep -qE 'ficheiro|livro-razão|registo|leitura|guardou' "ana-folder/.emrfs/$file" || emr_fail "translated for programs: $(cat "ana-folder/.emrfs/$file")"
done
grep -q '"saved"' ana-folder/.emrfs/log.json || emr_fail "no deed in log.json"
two_mount lima
opens() { cat lima-folder/shared-with-me/*/Imaging/MRI.pdf >/dev/null; }
emr_until opens
two_unmount lima
two_home ana
run 0 log
says "recebeu a chave de Imaging/MRI.pdf v1   provado, chaves de si, entrada "
json 0 log
grep -q '"released_by": *\["you"\]' out/said || emr_fail "JSON is for programs: $(cat out/said)"

grep -q '^Esta pasta é sua\.' ana-folder/.emrfs/README.txt || emr_fail "$(cat ana-folder/.emrfs/README.txt)"

say "the page for printing is Portuguese in all its parts"
must python3 "$SUPPORT/../integration/page.py" ana-folder/.emrfs/report.html >page.pt
grep -q '<html lang="pt">' ana-folder/.emrfs/report.html || emr_fail "the page says another language"
for sentence in "Saúde de {who}" "Está seguro?" "Tudo" "assinados e no livro-razão" "Seguro neste disco: tudo" '"saved": "guardou"' '"treatment": "tratamento"' \
	"Quem pode ver o quê" "Paula Lima" "Abre agora para lima" "O que está aqui" "Documentos PDF" "Versões guardadas: " "O que aconteceu ultimamente" '"shared": "partilhou"'; do
	grep -qF "$sentence" page.pt || emr_fail "the page lacks '$sentence': $(cat page.pt)"
done
# Commands, names, and what a record says of itself are not translated; no other English word is left behind the English that is looked up.
sed -n 's/^words //p' page.pt | python3 -c 'import json, sys; print("\n".join(json.load(sys.stdin).values()))' >words.pt
grep -E '^(hints|safety|kinds) |"opening"' page.pt | sed -E 's/"(who|name|path)": "[^"]*"//g' >>words.pt
grep -qwiE 'the|and|with|files|records|yet|until|saved|shared|what|you' words.pt &&
	emr_fail "English within: $(grep -wiE 'the|and|with|files|records|yet|until|saved|shared|what|you' words.pt)"

say "an error has its hint in the same language, also when the process of the folder says it"
run 5 share Nothing with lima --yes
says "Nothing não está na sua pasta."
run 5 share Imaging with lime --yes
says "Ninguém aqui se chama lime. Parecidos: "
run 5 restore Imaging/none.pdf
says "não está na sua pasta."

say "why a value of an attribute shares nothing, and why a card cannot be read"
setfattr -n user.emrfs.grant.lima -v 'look' "$EMR_WORK/ana-folder/Imaging" 2>/dev/null && emr_fail "look was taken"
emr_until grep -q grant-value ana-folder/.emrfs/notices
grep grant-value ana-folder/.emrfs/notices | grep -qF "'look' não é read, write nem deposit" || emr_fail "$(cat ana-folder/.emrfs/notices)"
run 5 people add "$EMR_WORK/none.card"
! grep -q 'not found' out/said || emr_fail "English within: $(cat out/said)"

say "a computer that was added and has saved nothing yet is listed"
run 0 device add laptop -o laptop.device --yes --passphrase-file "$EMR_PASS"
run 0 device
grep -q '^laptop .*, ainda não guardou nada$' out/said || emr_fail "$(cat out/said)"

say "what is wrong with a second copy"
run 0 backup "$EMR_WORK/copy"
file=$(find copy -type f -size +60k -name '*' | head -1)
[ -n "$file" ] || emr_fail "no large file in the copy"
printf '\1\2\3\4' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") / 2)) conv=notrunc 2>/dev/null
mkdir -m 700 "$EMR_WORK/no-state"	# a computer that could mend it would
EMRFS_HOME=$EMR_WORK/no-state run 8 backup "$EMR_WORK/copy" --verify
grep -qE 'já não são o que eram|não é o que foi escrito' out/said || emr_fail "the finding is not translated: $(cat out/said)"

say "JSON, attributes, ids and exit codes are the same in both languages, to the last sentence"
for question in "share Nothing with lima --yes" "restore Imaging/none.pdf" "share Imaging with lime --yes" "check" "share" "log --all" "help mount" "verify --quick"; do
	for language in english portuguese; do
		$language
		# shellcheck disable=SC2086
		"$EMRFS" $question --json >"out/$language" 2>"out/$language.err" </dev/null
		echo "exit $?" >>"out/$language"
		sed -i -E 's/"[0-9-]{10}T[0-9:]{8}Z"/"NOW"/; s/"[0-9]+ [kMGT]?B free"/"ROOM"/' "out/$language"	# a second passes between the two
	done
	cmp -s out/english out/portuguese || emr_fail "$question --json: $(diff out/english out/portuguese)"
	[ ! -s out/portuguese.err ] || emr_fail "$question --json complains: $(cat out/portuguese.err)"
done
portuguese
expect "state" "$(getfattr --only-values -n user.emrfs.state "$EMR_WORK/ana-folder/Imaging/a.txt" 2>/dev/null)" "confirmed 2/2"
getfattr --only-values -m '^user.emrfs.grant' -d ana-folder/Imaging 2>/dev/null | grep -qE 'read|leitura' && getfattr -m '^user.emrfs.grant' -d ana-folder/Imaging 2>/dev/null | grep -q leitura &&
	emr_fail "an attribute is translated: $(getfattr -m . -d ana-folder/Imaging)"

say "who asks in another language than the folder was opened in is answered in English, and never in a mixture"
english
run 5 share Nothing with lima --yes
says "Nothing is not in your folder."
portuguese

say "notices are in the language of whoever opened the folder, under ids that stay"
: >"$EMR_WORK/ana-folder/Imaging/$(printf 'x%.0s' {1..256})" 2>/dev/null
ln ana-folder/Imaging/a.txt ana-folder/Imaging/b.txt 2>/dev/null
emr_until grep -q 'no-hard-links' ana-folder/.emrfs/notices
grep 'no-hard-links' ana-folder/.emrfs/notices | grep -qF "Um registo está num só lugar.  Faça uma cópia ou uma ligação simbólica." ||
	grep 'no-hard-links' ana-folder/.emrfs/notices | grep -qF "Um registo está num só lugar." || emr_fail "$(cat ana-folder/.emrfs/notices)"
json 0 status
field errors | grep -qF "A record has one place." || emr_fail "the notice in JSON: $(cat out/said)"
field errors | grep -qF "Um registo" && emr_fail "JSON is translated: $(cat out/said)"

say "the folder is closed"
run 0 unmount
says "A sua pasta está fechada.  Está tudo no livro-razão."

say "a folder that was opened with --json, too, writes notices for people in their language"
json 0 mount --passphrase-file "$EMR_PASS" "$EMR_WORK/ana-folder"
ln ana-folder/Imaging/a.txt ana-folder/Imaging/b.txt 2>/dev/null
emr_until grep -q 'no-hard-links' ana-folder/.emrfs/notices
grep -qF "Um registo está num só lugar." ana-folder/.emrfs/notices || emr_fail "$(cat ana-folder/.emrfs/notices)"
run 0 unmount

say "LANGUAGE comes before the locale, but for that without any language"
LC_ALL=C LANGUAGE=pt run 10 status
says "Your folder is not open."
LC_ALL=pt_PT.UTF-8 LANGUAGE=xx:pt run 10 status
says "A sua pasta não está aberta."
LC_ALL=pt_PT.UTF-8 LANGUAGE=en run 10 status
says "Your folder is not open."

say "a third language is one more file in po/, and nothing else"
mkdir -p third/po third/made/fs
cp "$PACKAGING/../po/CMakeLists.txt" third/po/
sed 's/^"Language: pt/"Language: xx/; s/^msgstr "pt"$/msgstr "xx"/; s/^msgstr "A sua pasta não está aberta\./msgstr "XX closed./' "$PACKAGING/../po/pt.po" >third/po/xx.po
printf 'cmake_minimum_required(VERSION 3.25)\nproject(third NONE)\ninclude(GNUInstallDirs)\nadd_subdirectory(po)\n' >third/CMakeLists.txt
{ cmake -S third -B third/made && cmake --build third/made; } >out/built 2>&1 || emr_fail "po/xx.po does not build: $(tail -5 out/built)"
cp "$EMRFS" third/made/fs/
LC_ALL=pt_PT.UTF-8 LANGUAGE=xx EMRFS=third/made/fs/emrfs run 10 status
says "XX closed."
LC_ALL=pt_PT.UTF-8 LANGUAGE=xx EMRFS=third/made/fs/emrfs run 0 help mount
says "Abrir a sua pasta"

say "a program that asks for the passphrase is told the question as ever, and how a person reads it"
cat >asking <<'END'
#!/bin/sh
printf '%s|%s\n' "$1" "$2" >>"$EMR_WORK/out/asked"
echo "passphrase of the test"
END
chmod 700 asking
EMRFS_ASKPASS=$EMR_WORK/asking run 0 mount "$EMR_WORK/ana-folder"
expect "asked" "$(cat out/asked)" "Passphrase|Frase-passe"

say "what the desktop starts finds the open folder whatever the language, and asks in a window in the language of the person"
mkdir bin && for program in xdg-open zenity; do
	printf '#!/bin/sh\nprintf "%%s\\n" "$@" >>"$EMR_WORK/out/%s"\n' "$program" >"bin/$program"
	chmod 700 "bin/$program"
done
ln -s "$EMRFS" bin/emrfs
(export HOME=$EMR_WORK PATH=$EMR_WORK/bin:$PATH && sh "$PACKAGING/open-folder") || emr_fail "open-folder"
expect "opened" "$(cat out/xdg-open)" "$EMR_WORK/ana-folder"
(export PATH=$EMR_WORK/bin:$PATH DISPLAY=:none && unset WAYLAND_DISPLAY && sh "$PACKAGING/askpass" Passphrase Frase-passe)
grep -qx -- "--text=Frase-passe" out/zenity || emr_fail "asked in the window: $(cat out/zenity)"
mkdir -m 700 credentials && echo "of the unit" >credentials/emrfs.passphrase
expect "the credential" "$(CREDENTIALS_DIRECTORY=$EMR_WORK/credentials sh "$PACKAGING/askpass" Passphrase Frase-passe)" "of the unit"
run 0 unmount
exit 0
