/* This file reads the 24 words from a person, finds out whose they are, and when one word is wrong
 * says which. It also asks three of them back after they were written down. It writes them
 * nowhere. */
#include "verbs_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring/keyring.h"
#include "keyring/words.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "ledger/copy.h"
#include "ledger/hash.h"
#include "session/session.h"
#include "store/segment_file.h"

#define ASKED_BACK 3
#define TRIES 3
#define MEMBERS_SEARCHED 4 /* a second each, at most */

/* ---- getting them ---- */

/* The numbers that init writes before the words, and "1." of other hands. */
static bool is_number(const uint8_t *token, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((token[i] < '0' || token[i] > '9') && token[i] != '.' && token[i] != ')')
			return false;
	}
	return true;
}

/* In place; returns how many words are left. */
static size_t drop_numbers(emr_passphrase *text)
{
	size_t to = 0, n = 0;

	for (size_t at = 0; at < text->len;) {
		size_t end = at;

		while (end < text->len && memchr(" \t\r\n", text->data[end], 4) == NULL)
			end++;
		if (end > at && !is_number(text->data + at, end - at)) {
			memmove(text->data + to, text->data + at, end - at);
			to += end - at;
			text->data[to++] = ' ';
			n++;
		}
		at = end + 1;
	}
	text->len = to;
	return n;
}

static emr_status read_words(const char *file, emr_passphrase *out_text, emr_problem *out_problem)
{
	emr_status status = emr_passphrase_read_file(file, out_text, out_problem);

	if (status == EMR_OK)
		drop_numbers(out_text);
	else if (status != EMR_EXPOSED)
		emr_problem_set(out_problem, EMR_SAY_WORDS_READ, "file", file, "cause",
			status == EMR_INVALID ? _("it is empty or no list of words")
					      : emr_text(emr_status_text(status)),
			NULL);
	return status;
}

static emr_status ask_words(emr_passphrase *out_text, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE text = {0};
	char line[512];
	size_t n = 0;
	emr_status status = emr_passphrase_new(&text);

	while (status == EMR_OK && n < EMR_WORDS) {
		status = emr_terminal_ask(n > 0 ? "..."
					  : emr_terminal_is_dialog()
						  ? _("Your 24 words, with blanks between them:")
						  : _("Your 24 words, in one line or several:"),
			line, sizeof line);
		if (status != EMR_OK || line[0] == '\0')
			break;
		if (text.len + strlen(line) + 1 > EMR_PASSPHRASE_MAX) {
			status = EMR_LIMIT;
			break;
		}
		memcpy(text.data + text.len, line, strlen(line));
		text.len += strlen(line);
		text.data[text.len++] = ' ';
		n = drop_numbers(&text);
		if (emr_terminal_is_dialog())
			break; /* its field takes all: too few are told */
	}
	emr_wipe(line, sizeof line);
	if (status == EMR_NOT_FOUND)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_NEEDS_WORDS, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The words"));
	*out_text = text;
	text = (emr_passphrase){0};
	return EMR_OK;
}

emr_status emr_words_get(const char *file, emr_passphrase *out_text, emr_problem *out_problem)
{
	return file != NULL ? read_words(file, out_text, out_problem)
			    : ask_words(out_text, out_problem);
}

bool emr_words_again(const char *file, emr_out *out, int *tries, emr_status *status,
	emr_passphrase *text, emr_problem *problem)
{
	if (*status != EMR_WRONG_WORDS || file != NULL || ++*tries == TRIES)
		return false;
	emr_remark(out, problem);
	*problem = (emr_problem){0};
	emr_passphrase_free(text);
	*status = ask_words(text, problem);
	return *status == EMR_OK;
}

/* ---- whose they are ---- */

typedef struct known {
	emr_buf members; /* emr_ledger_member */
	emr_id32 descriptor_hash;
} known;

static void known_free(known *k)
{
	emr_ledger_members_free(&k->members);
}

emr_status emr_words_ledger(const char *state_path, emr_ledger_copy **out_ledger)
{
	char path[4400];
	emr_status status;

	snprintf(path, sizeof path, "%.4200s/%s", state_path, EMR_STATE_LEDGER);
	status = emr_ledger_copy_open(path, out_ledger);
	/* The verified copy on this computer knows its members as well. */
	if (status != EMR_OK && emr_ledger_copy_open_own(state_path, out_ledger) == EMR_OK)
		status = EMR_OK;
	return status;
}

/* Words that were followed by others are said to be; those that followed lead to them.  EMR_DENIED:
 * said to be. */
static emr_status learn_former(const char *state_path, emr_keyring *keyring)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	emr_id32 self, next;
	emr_status status;

	EMR_TRY(emr_words_ledger(state_path, &ledger));
	EMR_TRY(emr_keyring_former_id(keyring, 0, &self));
	status = emr_ledger_copy_next_key(ledger, self, &next);
	if (status != EMR_NOT_FOUND)
		return status == EMR_OK ? EMR_DENIED : status;
	status = emr_ledger_copy_former(ledger, keyring);
	return status == EMR_NOT_FOUND ? EMR_OK : status;
}

static emr_status read_known(const char *state_path, known *k)
{
	EMR_AUTO_LEDGER_COPY ledger = NULL;
	EMR_AUTO_BUF descriptor = {0};
	emr_bytes bytes;
	emr_status status = emr_words_ledger(state_path, &ledger);

	if (status == EMR_OK)
		status = emr_ledger_copy_descriptor(ledger, &descriptor);
	if (status != EMR_OK)
		return status;
	bytes = emr_buf_view(&descriptor);
	k->descriptor_hash = emr_sha256_of(&bytes, 1);
	return emr_ledger_copy_members(ledger, &k->members);
}

static void say_unknown_word(const emr_words_problem *fault, emr_problem *out_problem)
{
	char near[EMR_WORDS_NEAR * (EMR_WORD_CHARS + 2) + 8] = "";

	for (size_t i = 0; i < EMR_WORDS_NEAR && fault->near[i][0] != '\0'; i++)
		snprintf(near + strlen(near), sizeof near - strlen(near), "%s%s", i > 0 ? ", " : "",
			fault->near[i]);
	emr_problem_set(out_problem, EMR_SAY_WORDS_UNKNOWN, "word", fault->word, "words",
		near[0] != '\0' ? near : _("none"), NULL);
}

/* All are in the list; IS_WHOLE: and fit together.  One other word may give an identity that is
 * known. */
static void say_wrong_word(emr_bytes text, const known *k, bool is_whole, emr_problem *out_problem)
{
	char word[EMR_WORD_CHARS], number[8];
	size_t position = 0, n = 0;

	EMR_EACH (const emr_ledger_member, member, &k->members) {
		if (n++ == MEMBERS_SEARCHED)
			break;
		if (emr_words_find_wrong(text, member->pk, &position, word) != EMR_OK)
			continue;
		snprintf(number, sizeof number, "%zu", position + 1);
		emr_problem_set(out_problem, EMR_SAY_WORDS_ONE, "n", number, "word", word, NULL);
		emr_wipe(word, sizeof word);
		return;
	}
	emr_problem_set(
		out_problem, is_whole ? EMR_SAY_WORDS_STRANGE : EMR_SAY_WORDS_CHECKSUM, NULL);
}

static void say_fault(
	emr_bytes text, const known *k, const emr_words_problem *fault, emr_problem *out_problem)
{
	char n[24];

	switch (fault->fault) {
	case EMR_WORDS_FINE:
	case EMR_WORDS_CHECKSUM:
		say_wrong_word(text, k, fault->fault == EMR_WORDS_FINE, out_problem);
		return;
	case EMR_WORDS_COUNT_WRONG:
		snprintf(n, sizeof n, "%zu", fault->count);
		emr_problem_set(out_problem, EMR_SAY_WORDS_COUNT, "n", n, NULL);
		return;
	case EMR_WORDS_UNKNOWN:
		say_unknown_word(fault, out_problem);
		return;
	}
}

/* ---- the device: whose local keys seal journal, profile and working copies ---- */

typedef struct device_search {
	emr_keyring *keyring;
	int state_fd;
	emr_id16 device;
	emr_profile profile; /* once it is proven; zeros before */
	struct timespec newest;
	bool is_found, is_proven;
} device_search;

static void try_device(device_search *search, int blocks_fd, const char *name)
{
	emr_id16 writer;
	uint64_t number;
	struct stat st;

	if (search->is_proven || !emr_segment_file_parse(name, &writer, &number) ||
		fstatat(blocks_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	emr_keyring_set_device(search->keyring, writer);
	/* Files here may have been sealed when the seed was another. */
	for (size_t i = 0; !search->is_proven && i <= emr_keyring_former_count(search->keyring);
		i++) {
		emr_keyring_set_local(search->keyring, i);
		search->is_proven = emr_profile_load(search->keyring, search->state_fd,
					    &search->profile) == EMR_OK;
	}
	if (!search->is_proven)
		emr_keyring_set_local(search->keyring, 0);
	if (!search->is_proven && search->is_found &&
		(st.st_mtim.tv_sec < search->newest.tv_sec ||
			(st.st_mtim.tv_sec == search->newest.tv_sec &&
				st.st_mtim.tv_nsec < search->newest.tv_nsec)))
		return;
	search->device = writer;
	search->newest = st.st_mtim;
	search->is_found = true;
}

/* The writer whose key opens the profile; without a profile, whoever wrote last.  Before any
 * segment is here, as at the beginning of a restore, nothing speaks for or against the words. */
static emr_status take_device(emr_keyring *keyring, int state_fd, device_search *search)
{
	int fd = openat(state_fd, EMR_STATE_BLOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (directory == NULL) {
		if (fd >= 0)
			close(fd);
		return EMR_MISSING_DATA;
	}
	while ((entry = readdir(directory)) != NULL)
		try_device(search, fd, entry->d_name);
	closedir(directory);
	emr_keyring_set_device(keyring, search->device);
	/* The keyfile is not asked: without its passphrase anybody could have written it. */
	emr_keyring_cost_at_least(keyring,
		search->profile.cost.passes != 0 ? &search->profile.cost : &EMR_KDF_COST_DEFAULT);
	return EMR_OK;
}

/* The profile is sealed under this keyring's own key, and says which network it is in. Files beside
 * it could have been put there by anybody who held the copy. */
static emr_status check_network(const known *k, const emr_profile *profile)
{
	return profile->has_network && memcmp(profile->network.b, k->descriptor_hash.b,
					       sizeof profile->network.b) != 0
		       ? EMR_FORK
		       : EMR_OK;
}

static emr_status complete(
	emr_keyring *keyring, const known *k, const emr_ledger_member *me, int state_fd)
{
	device_search search = {
		.keyring = keyring, .state_fd = state_fd, .device = emr_keyring_device_id(keyring)};

	EMR_TRY(emr_keyring_tlv_set(keyring, EMR_KEYRING_NET_DESCRIPTOR,
		emr_bytes_of(k->descriptor_hash.b, sizeof k->descriptor_hash.b)));
	if (me->certificate.len > 0)
		EMR_TRY(emr_keyring_tlv_set(
			keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&me->certificate)));
	EMR_TRY(take_device(keyring, state_fd, &search));
	if (search.is_proven)
		return check_network(k, &search.profile);
	/* Where several are members, being known to the ledger does not say that these records are
	 * his. */
	return k->members.len > sizeof *me && search.is_found ? EMR_WRONG_WORDS : EMR_OK;
}

static const emr_ledger_member *find_me(const known *k, const emr_keyring *keyring)
{
	emr_public identity;

	if (emr_keyring_public(keyring, &identity) != EMR_OK)
		return NULL;
	EMR_EACH (const emr_ledger_member, member, &k->members)
		if (memcmp(member->pk, identity.pk, sizeof identity.pk) == 0)
			return member;
	return NULL;
}

emr_status emr_words_keyring(emr_bytes text, int state_fd, const char *state_path,
	emr_keyring **out_keyring, emr_problem *out_problem)
{
	__attribute__((cleanup(known_free))) known k = {.members = {0}};
	EMR_AUTO_KEYRING keyring = NULL;
	emr_words_problem fault = {.fault = EMR_WORDS_FINE};
	const emr_ledger_member *me = NULL;
	emr_status status = read_known(state_path, &k);

	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	status = emr_keyring_from_words(
		text, EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &fault, &keyring);
	if (status == EMR_OK)
		me = find_me(&k, keyring);
	if (status == EMR_WRONG_WORDS || (status == EMR_OK && me == NULL)) {
		say_fault(text, &k, &fault, out_problem);
		emr_wipe(&fault, sizeof fault);
		return EMR_WRONG_WORDS;
	}
	if (status == EMR_OK)
		status = learn_former(state_path, keyring);
	if (status == EMR_DENIED)
		return EMR_PROBLEM(EMR_WRONG_WORDS, out_problem, EMR_SAY_WORDS_FOLLOWED, NULL);
	if (status == EMR_OK)
		status = complete(keyring, &k, me, state_fd);
	if (status == EMR_WRONG_WORDS)
		return EMR_PROBLEM(status, out_problem, EMR_SAY_WORDS_STRANGE, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The keyring"));
	*out_keyring = keyring;
	keyring = NULL;
	return EMR_OK;
}

/* ---- three of them ---- */

static emr_status ask_one_back(
	const emr_keyring *keyring, size_t position, emr_out *out, emr_problem *out_problem)
{
	char question[64], number[24], answer[32];

	snprintf(question, sizeof question, _("Word %zu:"), position + 1);
	snprintf(number, sizeof number, "%zu", position + 1);
	for (int i = 0; i < TRIES; i++) {
		bool is_right;
		emr_status status = emr_terminal_ask(question, answer, sizeof answer);

		if (status != EMR_OK)
			return EMR_PROBLEM_STATUS(out_problem, status, _("The words"));
		is_right = emr_keyring_word_is(keyring, position, answer);
		emr_wipe(answer, sizeof answer);
		if (is_right)
			return EMR_OK;
		emr_problem_set(out_problem, EMR_SAY_WRONG_WORDS, "n", number, NULL);
		emr_remark(out, out_problem);
	}
	return EMR_WRONG_WORDS;
}

emr_status emr_words_ask_back(const emr_keyring *keyring, emr_out *out, emr_problem *out_problem)
{
	emr_id16 random = emr_id16_random();
	size_t positions[ASKED_BACK];

	/* Three different positions, in order. */
	positions[0] = random.b[0] % 8;
	positions[1] = 8 + random.b[1] % 8;
	positions[2] = 16 + random.b[2] % 8;
	for (size_t i = 0; i < ASKED_BACK; i++)
		EMR_TRY(ask_one_back(keyring, positions[i], out, out_problem));
	return EMR_OK;
}
