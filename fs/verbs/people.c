/* This file is `emrfs people`: it shows the person's own card, adds cards of others, lists them,
 * and compares the number by which two people can be sure that a card was not exchanged. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/card.h"
#include "kit/beside.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/reach.h"
#include "people/answers.h"
#include "people/qr.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

extern char **environ;

typedef enum form { FORM_LIST, FORM_CARD, FORM_ADD, FORM_CHECK } form;

typedef struct telling {
	const emr_args *args;
	emr_out *out;
	emr_reach reach;
	json_t *last, *people; /* the answer, and the list in it */
} telling;

static void telling_end(telling *t)
{
	emr_reach_close(&t->reach);
	json_decref(t->last);
}

/* The answer is in T; an earlier one is forgotten. */
static emr_status ask_people(telling *t, const emr_request *request, emr_problem *out_problem)
{
	json_decref(t->last);
	t->last = NULL;
	EMR_TRY(emr_reach_ask(
		&t->reach, request, &(emr_sink){emr_client_add, &t->last}, out_problem));
	t->people = emr_json_list_at(t->last, "people");
	return EMR_OK;
}

static void put_answer(telling *t, const char *name)
{
	emr_out_put(t->out, name, json_incref(json_object_get(t->last, name)));
}

static void remark(telling *t, emr_message message, const char *who)
{
	emr_remark_that(t->out, message, "who", who, NULL);
}

/* "joao (K7QF2M5X) [João Reis 1970-01-01]": the brackets have what the card says. */
static void name_line(const json_t *one, char *out, size_t size)
{
	const char *born = emr_json_text_at(one, "born"), *name = emr_json_text_at(one, "name");
	const bool says = name[0] != '\0' || born[0] != '\0';
	char who[512], shown[512];

	emr_show(emr_json_text_at(one, "who"), who, sizeof who);
	emr_show(name, shown, sizeof shown);
	snprintf(out, size, "%s (%s)%s%s%s%s%s", who, emr_json_text_at(one, "code"),
		says ? " [" : "", shown, name[0] != '\0' && born[0] != '\0' ? " " : "", born,
		says ? "]" : "");
}

/* ---- one's own card ---- */

static emr_status write_text(int fd, const char *text)
{
	return emr_pwrite_all(fd, text, strlen(text), 0);
}

/* Opens the source of the card's drawing, as a file in memory: the program reads it from its
 * standard input, and nothing of it is an argument. */
static emr_status open_drawing(const json_t *card, int *out_fd)
{
	EMR_AUTO_FREE char *text = json_dumps(card, JSON_COMPACT);
	int fd = text != NULL ? memfd_create("card", MFD_CLOEXEC) : -1;
	emr_status status = fd >= 0 ? write_text(fd, text) : EMR_NO_MEMORY;

	if (status == EMR_OK)
		*out_fd = fd;
	else if (fd >= 0)
		close(fd);
	return status;
}

static emr_status await_drawn(pid_t pid)
{
	int ended;

	while (waitpid(pid, &ended, 0) < 0)
		if (errno != EINTR)
			return EMR_IO;
	return WIFEXITED(ended) && WEXITSTATUS(ended) == 0 ? EMR_OK : EMR_IO;
}

/* EMR_UNSUPPORTED: the program that draws is not installed. */
static emr_status draw_card(int fd, const json_t *card, const char *format)
{
	EMR_AUTO_FREE char *program = emr_beside("draw-card");
	EMR_AUTO_FREE char *kind = strdup(format);
	EMR_AUTO_FD drawing = -1;
	char *argv[] = {program, kind, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	emr_status status = EMR_OK;

	EMR_TRY(program != NULL ? EMR_OK : EMR_UNSUPPORTED);
	EMR_TRY(kind != NULL ? open_drawing(card, &drawing) : EMR_NO_MEMORY);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, drawing, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	if (posix_spawn(&pid, program, &actions, NULL, argv, environ) != 0)
		status = EMR_IO;
	posix_spawn_file_actions_destroy(&actions);
	return status == EMR_OK ? await_drawn(pid) : status;
}

/* "png" or "pdf" by the end of FILE; NULL: the card itself. */
static const char *picture_format(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot == NULL		      ? NULL
	       : strcasecmp(dot, ".png") == 0 ? "png"
	       : strcasecmp(dot, ".pdf") == 0 ? "pdf"
					      : NULL;
}

emr_status verb_write_card(
	const char *file, const json_t *card, mode_t mode, emr_problem *out_problem)
{
	EMR_AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	const char *format = picture_format(file);
	bool is_drawn = fd >= 0 && format != NULL;
	emr_status status = fd < 0 ? emr_status_from_errno(errno) : EMR_OK;

	if (status == EMR_OK)
		status = is_drawn ? draw_card(fd, card, format)
				  : write_text(fd, emr_json_text_at(card, "card"));
	if (status == EMR_OK && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
		status = emr_status_from_errno(errno);
	if (status != EMR_OK && fd >= 0)
		(void)unlink(file);
	if (status != EMR_OK)
		emr_problem_set(out_problem, is_drawn ? EMR_SAY_CARD_PICTURE : EMR_SAY_CARD_FILE,
			"file", file, "cause",
			status == EMR_UNSUPPORTED ? _("the program that draws cards (draw-card) is "
						      "not installed")
						  : emr_text(emr_status_text(status)),
			NULL);
	return status;
}

static emr_status show_card(telling *t)
{
	EMR_AUTO_BUF drawn = {0};
	unsigned columns = 0;
	emr_status status = EMR_OK;

	if (isatty(STDOUT_FILENO) && !t->out->is_json && !t->out->is_quiet) {
		status = emr_qr_draw(
			emr_json_text_at(t->last, "qr"), emr_terminal_columns(), &columns, &drawn);
		emr_say(t->out, "%.*s\n", (int)drawn.len,
			drawn.data != NULL ? (const char *)drawn.data : "");
	}
	if (status == EMR_RANGE)
		emr_say(t->out,
			"The QR code is %u characters wide, and this terminal is narrower. To "
			"print it: emrfs "
			"people card -o card.pdf\n\n",
			columns);
	emr_say(t->out, "%s", emr_json_text_at(t->last, "card"));
	return status == EMR_LIMIT || status == EMR_RANGE ? EMR_OK
							  : status; /* the text says the same */
}

static emr_status card(telling *t, emr_problem *out_problem)
{
	static const char *const fields[] = {
		"card", "qr", "name", "born", "code", "id", "valid_until"};
	const emr_request request = {.ask = EMR_ASK_PEOPLE, .mine = true};
	const char *file = t->args->values[EMR_OPT_CARD_FILE];
	emr_status status;

	EMR_TRY(ask_people(t, &request, out_problem));
	if (file != NULL) {
		/* It is no secret, and is made to be handed on. */
		status = verb_write_card(file, t->last, 0644, out_problem);
		emr_out_text(t->out, "file", file);
		if (status == EMR_OK)
			emr_say(t->out,
				picture_format(file) != NULL
					? N_("Your card is in %s. It is no secret. Others take the "
					     "text of its code: emrfs people add EMRFS:...\n")
					: N_("Your card is in %s. It is no secret. Others take it "
					     "with: emrfs people add CARD\n"),
				file);
	} else {
		status = show_card(t);
	}
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		put_answer(t, fields[i]);
	return status;
}

/* ---- adding ---- */

static void say_added(telling *t)
{
	const json_t *one = json_array_get(t->people, 0);
	const char *change = emr_json_text_at(t->last, "change"),
		   *who = emr_json_text_at(one, "who");
	char line[1100], shown[512];

	name_line(one, line, sizeof line);
	emr_show(who, shown, sizeof shown);
	emr_say(t->out, "%s: %s\n",
		strcmp(change, "added") == 0  ? _("Added")
		: strcmp(change, "same") == 0 ? _("Known already")
					      : _("Renewed"),
		line);
	emr_say(t->out, "Called here: %s\n", shown);
	if (!emr_json_flag_at(one, "same_network"))
		remark(t, EMR_SAY_OTHER_NETWORK, who);
	if (strcmp(change, "rekeyed") == 0)
		remark(t, EMR_SAY_KEYS_CHANGED, who);
	else if (!emr_json_flag_at(one, "compared"))
		remark(t, EMR_SAY_NOT_COMPARED, who);
}

/* A name from the command line that could not even be asked about. */
static emr_status set_name(const char *name, char out[EMR_ASK_WHO_MAX + 1], emr_message message,
	emr_problem *out_problem)
{
	size_t len = strlen(name);

	if (len > 0 && len <= EMR_ASK_WHO_MAX) {
		memcpy(out, name, len + 1);
		return EMR_OK;
	}
	emr_problem_set(out_problem, message, "who", name, NULL);
	return message == EMR_SAY_BAD_PERSON_NAME ? EMR_INVALID : EMR_NOT_FOUND;
}

static emr_status add_card(telling *t, emr_request *request, emr_problem *out_problem)
{
	EMR_TRY(ask_people(t, request, out_problem));
	say_added(t);
	emr_out_put(t->out, "people", json_incref(t->people));
	put_answer(t, "change");
	return EMR_OK;
}

/* ---- the list ---- */

static void say_person(telling *t, const json_t *one)
{
	char day[EMR_TEXT_BYTES];
	char line[1100], role[256] = "";

	name_line(one, line, sizeof line);
	if (emr_json_text_at(one, "role")[0] != '\0') {
		char organisation[512], roles[256];

		emr_show(emr_json_text_at(one, "organisation"), organisation, sizeof organisation);
		emr_text_words(emr_json_text_at(one, "role"), roles, sizeof roles);
		snprintf(role, sizeof role, "   %.80s%s%.150s", roles,
			organisation[0] != '\0' ? ", " : "", organisation);
	}
	emr_day_text(emr_json_text_at(one, "valid_until"), day);
	emr_say(t->out, "%s%s   %s%s, %s %s\n", line, role,
		emr_json_flag_at(one, "compared") ? _("compared") : _("not compared"),
		emr_json_flag_at(one, "same_network") ? "" : _(", another network"),
		emr_json_flag_at(one, "key_ended") ? _("key ended on") : _("valid until"), day);
}

static emr_status list(telling *t, const emr_request *request, emr_problem *out_problem)
{
	EMR_TRY(ask_people(t, request, out_problem));
	for (size_t i = 0; i < json_array_size(t->people); i++)
		say_person(t, json_array_get(t->people, i));
	if (json_array_size(t->people) == 0)
		emr_say(t->out, "You know nobody yet. Your own card: emrfs people card. "
				"Somebody's: emrfs people add CARD\n");
	emr_out_put(t->out, "people", json_incref(t->people));
	return EMR_OK;
}

/* ---- the number ---- */

/* 1 the same, 0 another, -1 not asked. */
static int ask_same(const telling *t)
{
	char answer[16] = "";
	bool is_yes;

	if (t->args->given[EMR_OPT_YES])
		return 1;
	if (t->out->is_json)
		return -1;
	if (emr_terminal_is_dialog())
		return emr_terminal_ask_yes(
			       "Do both of you see this number?  Close this window to say so "
			       "later.",
			       &is_yes) == EMR_OK
			       ? is_yes
			       : -1;
	if (!isatty(STDIN_FILENO) || !emr_terminal_there() ||
		emr_terminal_ask("Do both of you see this number (yes, no)? Enter: later.", answer,
			sizeof answer) != EMR_OK)
		return -1;
	if (emr_terminal_is_yes(answer))
		return 1;
	return emr_terminal_is_no(answer) ? 0 : -1;
}

static emr_status check(telling *t, emr_request *request, emr_problem *out_problem)
{
	char line[700];
	int is_same;

	request->number = true;
	EMR_TRY(ask_people(t, request, out_problem));
	name_line(json_array_get(t->people, 0), line, sizeof line);
	emr_say(t->out, "%s and you:\n\n  %s\n\n", line, emr_json_text_at(t->last, "number"));
	is_same = ask_same(t);
	request->compared = is_same == 1;
	request->drop = is_same == 0;
	if (is_same >= 0)
		EMR_TRY(ask_people(t, request, out_problem));
	if (is_same == 1)
		emr_say(t->out, "Noted as compared.\n");
	if (is_same == 0)
		return EMR_PROBLEM(EMR_BAD_SIGNATURE, out_problem, EMR_SAY_NUMBER_DIFFERS, "who",
			emr_json_text_at(json_array_get(t->people, 0), "who"), NULL);
	emr_out_put(t->out, "people", json_incref(t->people));
	put_answer(t, "number");
	return EMR_OK;
}

/* ---- the line ---- */

static emr_status read_form(const emr_args *args, form *out_form, emr_problem *out_problem)
{
	static const struct {
		const char *word;
		form form;
		size_t operands;
	} forms[] = {{"card", FORM_CARD, 1}, {"add", FORM_ADD, 2}, {"check", FORM_CHECK, 2}};
	const char *wrong = args->n_operands > 1
				    ? _("people takes card, add CARD, check WHO, or WHO alone.")
				    : NULL;

	*out_form = FORM_LIST;
	for (size_t i = 0; i < sizeof forms / sizeof *forms && args->n_operands > 0; i++) {
		if (strcmp(args->operands[0], forms[i].word) != 0)
			continue;
		*out_form = forms[i].form;
		wrong = args->n_operands == forms[i].operands ? NULL
			: forms[i].operands == 1
				? _("card takes no argument; a file goes behind -o.")
				: _("add needs a card, and check a person.");
	}
	if (args->given[EMR_OPT_NAME] && *out_form != FORM_ADD)
		wrong = _("--name is for people add.");
	if (args->given[EMR_OPT_CARD_FILE] && *out_form != FORM_CARD)
		wrong = _("-o is for people card.");
	if (wrong == NULL)
		return EMR_OK;
	return emr_wrong_use("people", wrong, out_problem);
}

/* All that needs no keyring is refused before a passphrase is asked for. */
static emr_status read_line(
	const emr_args *args, form what, emr_request *request, emr_problem *out_problem)
{
	const char *name = args->values[EMR_OPT_NAME];
	emr_status status = EMR_OK;

	if (what == FORM_ADD) {
		if (name != NULL)
			status =
				set_name(name, request->name, EMR_SAY_BAD_PERSON_NAME, out_problem);
		return status == EMR_OK ? emr_card_argument(args->operands[1], request, out_problem)
					: status;
	}
	if (what != FORM_CARD && args->n_operands > 0)
		status = set_name(args->operands[args->n_operands - 1], request->who,
			EMR_SAY_UNKNOWN_PERSON, out_problem);
	return status;
}

emr_status emr_cmd_people(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(telling_end)))
	telling t = {.args = args, .out = out, .reach = EMR_REACH_CLOSED};
	emr_request request = {.ask = EMR_ASK_PEOPLE};
	form what;

	EMR_TRY(read_form(args, &what, out_problem));
	EMR_TRY(read_line(args, what, &request, out_problem));
	EMR_TRY(emr_reach_open(args, &t.reach, out_problem));
	if (what == FORM_CARD)
		return card(&t, out_problem);
	if (what == FORM_ADD)
		return add_card(&t, &request, out_problem);
	if (what == FORM_CHECK)
		return check(&t, &request, out_problem);
	return list(&t, &request, out_problem);
}
