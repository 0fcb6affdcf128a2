#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring/words.h"
#include "ledger/hash.h"
#include "ledger/network.h"

#include "cmd.h"
#include "cmd/passphrase.h"
#include "cmd/text.h"
#include "session.h"

#define STAGE_PREFIX ".init-"
#define ASKED_BACK 3
#define TRIES 3

/* Everything is made in a directory of its own inside the state; its parts get their places last,
 * the keyfile after all others.  Whatever happens before that leaves no keyring behind. */
typedef struct making {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	emr_passphrase passphrase;
	int state_fd, lock_fd;
	char stage_name[64];
	char *stage_path;    /* owned */
	emr_session session; /* of the stage */
	emr_profile profile;
	char words[EMR_WORDS][EMR_WORD_CHARS];
	bool words_checked;
} making;

/* ---- directories ---- */

static emr_status remove_tree(int dirfd, const char *name);

static emr_status remove_entries(int fd)
{
	DIR *directory = fdopendir(fd); /* takes fd */
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL) {
		close(fd);
		return EMR_IO;
	}
	while (status == EMR_OK && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			status = remove_tree(fd, entry->d_name);
	}
	closedir(directory);
	return status;
}

static emr_status remove_tree(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	emr_status status;

	if (fd < 0)
		return unlinkat(dirfd, name, 0) == 0 ? EMR_OK : emr_status_from_errno(errno);
	status = remove_entries(fd);
	if (status == EMR_OK && unlinkat(dirfd, name, AT_REMOVEDIR) != 0)
		status = emr_status_from_errno(errno);
	return status;
}

/* Stages of an init that was interrupted: they never became a keyring. */
static emr_status remove_old_stages(int state_fd)
{
	int fd = openat(state_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL)
		return EMR_IO;
	while (status == EMR_OK && (entry = readdir(directory)) != NULL) {
		if (strncmp(entry->d_name, STAGE_PREFIX, strlen(STAGE_PREFIX)) == 0)
			status = remove_tree(state_fd, entry->d_name);
	}
	closedir(directory);
	return status;
}

static void making_end(making *m)
{
	emr_problem problem;

	emr_session_close(&m->session);
	if (m->stage_name[0] != '\0' && remove_tree(m->state_fd, m->stage_name) != EMR_OK) {
		emr_problem_set(&problem, EMR_SAY_FAILED, "what", m->stage_path, "cause",
			"could not be removed", NULL);
		emr_remark(m->out, &problem);
	}
	emr_wipe(m->words, sizeof m->words);
	emr_passphrase_free(&m->passphrase);
	emr_settings_free(&m->settings);
	emr_places_free(&m->places);
	free(m->stage_path);
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	if (m->state_fd >= 0)
		close(m->state_fd);
}

/* Our own lock against a second init; a keyring or what is left of one is never touched. */
static emr_status claim_state(making *m, emr_problem *out_problem)
{
	static const char *const parts[] = {EMR_STATE_KEYFILE, EMR_STATE_LEDGER, EMR_STATE_BLOCKS};
	emr_status status = emr_places_open_state(&m->places, true, &m->state_fd, out_problem);

	if (status != EMR_OK)
		return status;
	m->lock_fd = openat(
		m->state_fd, EMR_STATE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (m->lock_fd < 0 || flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		emr_problem_set(out_problem, EMR_SAY_HAS_KEYRING, "state", m->places.state, NULL);
		return EMR_BUSY;
	}
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (faccessat(m->state_fd, parts[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			emr_problem_set(
				out_problem, EMR_SAY_HAS_KEYRING, "state", m->places.state, NULL);
			return EMR_EXISTS;
		}
	}
	return remove_old_stages(m->state_fd);
}

static emr_status make_stage(making *m, emr_problem *out_problem)
{
	char random[33];
	emr_id16 id = emr_id16_random();
	emr_status status;

	emr_hex(id.b, 8, random);
	snprintf(m->stage_name, sizeof m->stage_name, STAGE_PREFIX "%.16s", random);
	if (asprintf(&m->stage_path, "%s/%s", m->places.state, m->stage_name) < 0)
		m->stage_path = NULL;
	status = m->stage_path != NULL ? emr_dir_open(m->stage_path, &m->session.state_fd)
				       : EMR_NO_MEMORY;
	m->session.state_path = m->stage_path != NULL ? strdup(m->stage_path) : NULL;
	if (status == EMR_OK && m->session.state_path == NULL)
		status = EMR_NO_MEMORY;
	if (status != EMR_OK) {
		m->stage_name[0] = '\0';
		emr_problem_set_status(out_problem, status, m->places.state);
	}
	return status;
}

/* ---- name and birth date ---- */

static emr_status ask_person(making *m, emr_problem *out_problem)
{
	const char *name = m->args->values[EMR_OPT_NAME], *born = m->args->values[EMR_OPT_BORN];
	bool may_ask = !m->args->given[EMR_OPT_YES] && !m->args->given[EMR_OPT_JSON] &&
		       emr_terminal_there();
	char line[sizeof m->profile.name] = "";

	if (name == NULL && may_ask &&
		emr_terminal_ask("Your name (Enter: none):", line, sizeof line) == EMR_OK)
		name = line;
	snprintf(m->profile.name, sizeof m->profile.name, "%s", name != NULL ? name : "");
	if (born == NULL && may_ask &&
		emr_terminal_ask("Born on YYYY-MM-DD (Enter: none):", line, sizeof line) == EMR_OK)
		born = line;
	if (born == NULL || born[0] == '\0')
		return EMR_OK;
	if (!emr_date_is_valid(born)) {
		emr_problem_set(out_problem, EMR_SAY_WRONG_USE, "what",
			"A birth date is written YYYY-MM-DD.", "verb", "init", NULL);
		return EMR_INVALID;
	}
	snprintf(m->profile.born, sizeof m->profile.born, "%.10s", born);
	return EMR_OK;
}

/* ---- keyring, ledger, folder ---- */

static emr_status make_network(making *m)
{
	char path[4400], handle[32], code[64];
	emr_public identity;
	emr_network_new options = {
		.path = path, .keyring = m->session.keyring, .name = "home", .handle = handle};
	EMR_AUTO_BUF certificate = {0};
	emr_id16 net_id;
	emr_status status = emr_keyring_public(m->session.keyring, &identity);

	if (status != EMR_OK)
		return status;
	/* The certificate is on the ledger: it carries a code, not the person's name. */
	emr_base32(identity.signer_id.b, 8, code);
	snprintf(handle, sizeof handle, "patient-%.8s", code);
	snprintf(path, sizeof path, "%.4200s/%s", m->stage_path, EMR_STATE_LEDGER);
	status = emr_network_create(&options, &net_id, &certificate);
	if (status == EMR_OK)
		status = emr_keyring_tlv_set(
			m->session.keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&certificate));
	return status;
}

/* The keyring remembers which network is its own. */
static emr_status note_network(making *m)
{
	emr_bytes descriptor = emr_ledger_descriptor(m->session.ledger);
	emr_id32 hash = emr_sha256_of(&descriptor, 1);

	return emr_keyring_tlv_set(m->session.keyring, EMR_KEYRING_NET_DESCRIPTOR,
		emr_bytes_of(hash.b, sizeof hash.b));
}

static emr_status make_folder(making *m)
{
	emr_session *s = &m->session;
	const emr_view_options view = {.state_dirfd = s->state_fd,
		.keyring = s->keyring,
		.store = s->store,
		.journal = s->journal,
		.records = s->records,
		.ledger = s->ledger,
		.replica = s->replica,
		.facts = s->facts,
		.settle = s->settle,
		.clock = emr_clock_system()};

	return emr_view_initialise(&view);
}

static emr_status make_all(making *m, emr_problem *out_problem)
{
	emr_status status = emr_keyring_create(
		EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), &m->session.keyring);

	if (status == EMR_OK)
		status = make_network(m);
	if (status != EMR_OK) {
		emr_problem_set_status(out_problem, status, "The new ledger");
		return status;
	}
	status = emr_session_open_parts(&m->session, out_problem);
	if (status != EMR_OK)
		return status;
	status = make_folder(m);
	if (status == EMR_OK)
		status = note_network(m);
	if (status == EMR_OK)
		status = emr_keyring_public(m->session.keyring, &m->session.identity);
	if (status == EMR_OK)
		status = emr_keyring_words(m->session.keyring, m->words);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, "The new folder");
	return status;
}

/* ---- the 24 words ---- */

static emr_status write_words(making *m, const char *file, emr_problem *out_problem)
{
	char text[EMR_WORDS * (EMR_WORD_CHARS + 8)];
	size_t len = 0;
	EMR_AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	emr_status status = fd < 0 ? emr_status_from_errno(errno) : EMR_OK;

	for (size_t i = 0; i < EMR_WORDS; i++)
		len += (size_t)snprintf(
			text + len, sizeof text - len, "%2zu %s\n", i + 1, m->words[i]);
	if (status == EMR_OK)
		status = emr_pwrite_all(fd, text, len, 0);
	if (status == EMR_OK && fsync(fd) != 0)
		status = emr_status_from_errno(errno);
	emr_wipe(text, sizeof text);
	if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_WORDS_FILE, "file", file, "cause",
			emr_status_text(status), NULL);
	return status;
}

/* To the terminal itself: stdout may be a file or a pipe. */
static emr_status show_words(making *m)
{
	EMR_AUTO_FD fd = open("/dev/tty", O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return EMR_IO;
	dprintf(fd,
		"\nWrite these 24 words on paper and keep them safe. They bring your keyring back "
		"when the\n"
		"passphrase or this computer is lost; whoever has them can read your records.\n\n");
	for (size_t i = 0; i < EMR_WORDS / 4; i++)
		dprintf(fd, "  %2zu %-9s  %2zu %-9s  %2zu %-9s  %2zu %-9s\n", i + 1, m->words[i],
			i + 7, m->words[i + 6], i + 13, m->words[i + 12], i + 19, m->words[i + 18]);
	dprintf(fd, "\n");
	return EMR_OK;
}

/* Three different positions, in order. */
static void draw_positions(size_t out[ASKED_BACK])
{
	emr_id16 random = emr_id16_random();

	out[0] = random.b[0] % 8;
	out[1] = 8 + random.b[1] % 8;
	out[2] = 16 + random.b[2] % 8;
}

static emr_status ask_one_back(const making *m, size_t position, emr_problem *out_problem)
{
	char question[64], number[8], answer[32];

	snprintf(question, sizeof question, "Word %zu:", position + 1);
	snprintf(number, sizeof number, "%zu", position + 1);
	for (int i = 0; i < TRIES; i++) {
		bool is_right;
		emr_status status = emr_terminal_ask(question, answer, sizeof answer);

		if (status != EMR_OK) {
			emr_problem_set_status(out_problem, status, "The words");
			return status;
		}
		is_right = emr_keyring_word_is(m->session.keyring, position, answer);
		emr_wipe(answer, sizeof answer);
		if (is_right)
			return EMR_OK;
		emr_problem_set(out_problem, EMR_SAY_WRONG_WORDS, "n", number, NULL);
		emr_remark(m->out, out_problem);
	}
	return EMR_WRONG_WORDS;
}

static emr_status hand_out_words(making *m, emr_problem *out_problem)
{
	const char *file = m->args->values[EMR_OPT_WORDS_FILE];
	bool may_ask = file == NULL && !m->args->given[EMR_OPT_YES] && emr_terminal_there();
	size_t positions[ASKED_BACK];
	emr_status status;

	if (file != NULL)
		return write_words(m, file, out_problem);
	if (!may_ask) {
		emr_problem_set(out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
		return EMR_DENIED;
	}
	status = show_words(m);
	draw_positions(positions);
	for (size_t i = 0; i < ASKED_BACK && status == EMR_OK; i++)
		status = ask_one_back(m, positions[i], out_problem);
	if (status != EMR_OK)
		return status;
	m->words_checked = true;
	m->profile.words_tested_unix_s = emr_clock_unix_s(emr_clock_system());
	return EMR_OK;
}

/* ---- the end ---- */

/* Each part gets its place in the state; the keyfile last, for it makes the rest a keyring. */
static emr_status move_in(making *m)
{
	int fd = openat(m->state_fd, m->stage_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	emr_status status = EMR_OK;

	if (directory == NULL)
		return EMR_IO;
	while (status == EMR_OK && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			strcmp(entry->d_name, EMR_STATE_KEYFILE) == 0)
			continue;
		if (renameat(fd, entry->d_name, m->state_fd, entry->d_name) != 0)
			status = emr_status_from_errno(errno);
	}
	if (status == EMR_OK && fsync(m->state_fd) != 0)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK &&
		renameat(fd, EMR_STATE_KEYFILE, m->state_fd, EMR_STATE_KEYFILE) != 0)
		status = emr_status_from_errno(errno);
	if (status == EMR_OK && fsync(m->state_fd) != 0)
		status = emr_status_from_errno(errno);
	closedir(directory);
	return status;
}

static emr_status finish(making *m, emr_problem *out_problem)
{
	emr_status status = emr_profile_save(m->session.keyring, m->session.state_fd, &m->profile);

	if (status == EMR_OK)
		status = emr_keyring_save_new(m->session.keyring, m->session.state_fd,
			EMR_STATE_KEYFILE, emr_passphrase_view(&m->passphrase), &m->settings.kdf);
	/* Everything is closed before it moves. */
	emr_session_close(&m->session);
	if (status == EMR_OK)
		status = move_in(m);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, m->places.state);
	return status;
}

static void say_done(making *m, const emr_id32 *signer_id)
{
	emr_problem remark = {0};
	char id[65], shown[512];

	emr_hex(signer_id->b, sizeof signer_id->b, id);
	emr_show(m->profile.name, shown, sizeof shown);
	emr_out_text(m->out, "id", id);
	emr_out_text(m->out, "name", m->profile.name);
	emr_out_text(m->out, "born", m->profile.born);
	emr_out_text(m->out, "folder", m->places.state);
	emr_out_flag(m->out, "words_checked", m->words_checked);
	emr_out_flag(m->out, "second_copy", false);
	emr_say(m->out, "%s%sour keyring is in %s.\nOpen your folder: emrfs mount\n", shown,
		shown[0] != '\0' ? ", y" : "Y", m->places.state);
	if (!m->words_checked) {
		emr_problem_set(&remark, EMR_SAY_WORDS_BACK, NULL);
		emr_remark(m->out, &remark);
	}
	emr_problem_set(&remark, EMR_SAY_ONE_COPY, NULL);
	emr_remark(m->out, &remark);
}

static emr_status prepare(making *m, emr_problem *out_problem)
{
	bool needs_file = !emr_terminal_there() || m->args->given[EMR_OPT_YES];
	emr_status status = emr_places_find(m->args->values[EMR_OPT_AS], &m->places, out_problem);

	if (status == EMR_OK)
		status = emr_settings_read(&m->places, &m->settings, out_problem);
	if (status != EMR_OK)
		return status;
	/* Said before anything is asked or made. */
	if (needs_file && m->args->values[EMR_OPT_WORDS_FILE] == NULL) {
		emr_problem_set(out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
		return EMR_DENIED;
	}
	status = emr_base_init();
	if (status == EMR_OK)
		status = emr_process_harden();
	if (status != EMR_OK) {
		emr_problem_set_status(out_problem, status, "Protecting the process");
		return status;
	}
	return claim_state(m, out_problem);
}

int emr_cmd_init(const emr_args *args, emr_out *out)
{
	__attribute__((cleanup(making_end))) making m = {.args = args,
		.out = out,
		.state_fd = -1,
		.lock_fd = -1,
		.session = EMR_SESSION_CLOSED};
	emr_problem problem = {0};
	emr_id32 signer_id = {{0}};
	emr_status status = prepare(&m, &problem);

	if (status == EMR_OK)
		status = ask_person(&m, &problem);
	if (status == EMR_OK)
		status = emr_passphrase_get(
			args->values[EMR_OPT_PASSPHRASE_FILE], true, &m.passphrase, &problem);
	if (status == EMR_OK)
		status = make_stage(&m, &problem);
	if (status == EMR_OK)
		status = make_all(&m, &problem);
	if (status == EMR_OK)
		status = hand_out_words(&m, &problem);
	if (status == EMR_OK) {
		signer_id = m.session.identity.signer_id;
		status = finish(&m, &problem);
	}
	if (status != EMR_OK && !problem.is_set)
		emr_problem_set_status(&problem, status, "init");
	if (status != EMR_OK)
		return emr_out_fail(out, &problem);
	say_done(&m, &signer_id);
	return EMR_EXIT_DONE;
}
