/* This file estimates the strength of a new passphrase, in a child process whose memory ends
 * with it, so that nothing of the passphrase stays behind in this one.  The library that does it is
 * loaded here, when it is needed: the loader reads all of its dictionary of 1.4 MB from a cold
 * disk, and opening a folder would wait for that. */
#include "kit_private.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zxcvbn.h>

#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "kit/passphrase.h"

/* Later bytes only add strength; the library's work grows with the square. */
#define JUDGED_BYTES 128

/* An attacker tries these first, with each separator, and then what is known of the person. */
static const char *const famous[] = {"emrfs", "correct horse battery staple", "tr0ub4dor&3",
	"troubador", "the quick brown fox jumps over the lazy dog",
	"to be or not to be that is the question", "may the force be with you",
	"all your base are belong to us", "our father who art in heaven",
	"pai nosso que estais no ceu", "as armas e os baroes assinalados",
	"o rato roeu a rolha da garrafa do rei da russia", "nel mezzo del cammin di nostra vita"};
static const char separators[][2] = {"", " ", "-", "_", ".", "/"};

/* The person whose passphrase it is, "" where nobody said. */
static char person_name[256], person_born[11];

#define WORDS_MAX 256
#define PIECE_MIN 3 /* bytes: a shorter piece of a name is in many good passphrases */

typedef struct dictionary {
	const char *words[WORDS_MAX + 1]; /* the last one NULL */
	size_t n, used;
	char text[8192];
} dictionary;

/* A word has small letters; one that does not fit is left out. */
__attribute__((format(printf, 2, 3))) static void dictionary_add(
	dictionary *d, const char *format, ...)
{
	char *word = d->text + d->used;
	size_t room = sizeof d->text - d->used;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(word, room, format, arguments);
	va_end(arguments);
	if (len < PIECE_MIN || (size_t)len >= room || d->n == WORDS_MAX)
		return;
	d->words[d->n++] = word;
	d->used += (size_t)len + 1;
}

/* The next letter of *AT in small letters, and without its accent: U+00C0 to U+017F. */
static char plain_letter(const char **at)
{
	static const char plain[] =
		"aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"
		"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
		"lllnnnnnnnnnoooooooorrrrrrsssssssstttttt"
		"uuuuuuuuuuuuwwyyyzzzzzzs";
	const unsigned char *p = (const unsigned char *)*at;

	if (p[0] >= 0xc3 && p[0] <= 0xc5 && p[1] >= 0x80 && p[1] < 0xc0) {
		*at += 2;
		return plain[(p[0] - 0xc3) * 64 + p[1] - 0x80];
	}
	*at += 1;
	return p[0] >= 'A' && p[0] <= 'Z' ? (char)(p[0] + 32) : (char)p[0];
}

static void add_name(dictionary *d)
{
	char plain[sizeof person_name] = "", *rest = plain;
	char typed[sizeof person_name], *rest_typed = typed;
	size_t len = 0;

	for (const char *at = person_name; *at != '\0';)
		plain[len++] = plain_letter(&at);
	snprintf(typed, sizeof typed, "%s", person_name);
	for (char *piece; (piece = strsep(&rest, " -.,'")) != NULL;)
		dictionary_add(d, "%s", piece);
	for (char *piece; (piece = strsep(&rest_typed, " -.,'")) != NULL;)
		dictionary_add(d, "%s", piece);
}

/* In each usual order; the year alone, too. */
static void add_born(dictionary *d)
{
	char year[5], month[3], day[3];

	if (sscanf(person_born, "%4[0-9]-%2[0-9]-%2[0-9]", year, month, day) != 3)
		return;
	const char *short_day = day + (day[0] == '0'), *short_month = month + (month[0] == '0'),
		   *orders[][3] = {{day, month, year}, {short_day, short_month, year},
			   {day, month, year + 2}, {month, day, year}, {year, month, day},
			   {year + 2, month, day}, {day, month, ""}, {month, day, ""}};

	dictionary_add(d, "%s", year);
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		for (size_t s = 0; s < sizeof separators / sizeof *separators; s++)
			dictionary_add(d, "%s%s%s%s%s", orders[i][0], separators[s], orders[i][1],
				orders[i][2][0] != '\0' ? separators[s] : "", orders[i][2]);
	}
}

static void add_famous(dictionary *d)
{
	for (size_t i = 0; i < sizeof famous / sizeof *famous; i++) {
		for (size_t s = 0; s < sizeof separators / sizeof *separators; s++) {
			char text[64];
			size_t len = 0;

			for (const char *at = famous[i]; *at != '\0'; at++) {
				if (*at != ' ')
					text[len++] = *at;
				else if (separators[s][0] != '\0')
					text[len++] = separators[s][0];
			}
			dictionary_add(d, "%.*s", (int)len, text);
		}
	}
}

void emr_passphrase_is_of(const char *name, const char *born)
{
	snprintf(person_name, sizeof person_name, "%s", name);
	snprintf(person_born, sizeof person_born, "%.10s", born);
}

typedef __typeof__(ZxcvbnMatch) match_function;

/* NULL: it cannot be loaded.  It stays. */
static match_function *load_match(void)
{
	void *library = dlopen("libzxcvbn.so.0", RTLD_NOW | RTLD_LOCAL);
	match_function *match =
		library != NULL ? (match_function *)dlsym(library, "ZxcvbnMatch") : NULL;

	if (match == NULL)
		emr_log(EMR_LOG_ERROR, "no passphrase can be judged: %s", dlerror());
	return match;
}

/* In the child: memory goes back to the kernel with the process. */
static _Noreturn void judge_in_child(match_function *match, const char *text, int out_fd)
{
	static dictionary known;
	double bits;
	ZxcMatch_t *matches = NULL;

	(void)mlockall(
		MCL_CURRENT | MCL_FUTURE); /* refused where the limit is low: a moment only */
	add_name(&known);
	add_born(&known);
	add_famous(&known);
	bits = match(text, known.words, &matches);
	_exit(write(out_fd, &bits, sizeof bits) == (ssize_t)sizeof bits ? 0 : 1);
}

static emr_status ask_child(match_function *match, const char *text, double *out_bits)
{
	int ends[2], exit_status = 0;
	ssize_t n;
	double bits = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return emr_status_from_errno(errno);
	pid = fork();
	if (pid == 0)
		judge_in_child(match, text, ends[1]);
	close(ends[1]);
	do
		n = pid > 0 ? read(ends[0], &bits, sizeof bits) : -1;
	while (n < 0 && pid > 0 && errno == EINTR);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &exit_status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		return EMR_NO_MEMORY;
	if (n != (ssize_t)sizeof bits || exit_status != 0)
		return EMR_IO;
	*out_bits = bits;
	return EMR_OK;
}

emr_status emr_passphrase_bits(emr_bytes passphrase, double *out_bits)
{
	char text[JUDGED_BYTES + 1] = "";
	size_t len = passphrase.len < JUDGED_BYTES ? passphrase.len : JUDGED_BYTES;
	match_function *match = load_match();
	emr_status status;

	if (match == NULL)
		return EMR_UNSUPPORTED;
	memcpy(text, passphrase.data, len); /* a zero byte ends it: judged shorter than it is */
	status = ask_child(match, text, out_bits);
	emr_wipe(text, sizeof text);
	return status;
}
