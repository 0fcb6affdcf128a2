/* This file is `emrfs trustees`: M of N people, whom a person has chosen, help to find the 24 words
 * again. At a new computer `ask` makes a request of a backup, each trustee answers it with `help`,
 * and `words` puts the words together out of enough answers. The words are then used as ever. */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/file.h"
#include "keyring/letters.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "ledger/act_send.h"
#include "ledger/act.h"
#include "ledger/hash.h"
#include "org/bureau.h"
#include "people/who.h"
#include "replica/people.h"
#include "session/acting.h"
#include "session/keys.h"
#include "session/stage.h"

#include "verbs_private.h"

#define FILE_MAX ((size_t)64 << 10)
#define KEYRING_SUFFIX ".keyring" /* of who asks, until the words are there */
#define DELAY_S 86400u		  /* nobody holds to it: no agent has a part of the secret */

static void box_end(emr_box_key **box)
{
	emr_box_key_free(*box);
}

static emr_status wrong(const char *why, emr_problem *out_problem)
{
	return emr_wrong_use("trustees", why, out_problem);
}

/* ---- files that people hand each other ---- */

/* OBJECT into FILE, which is made; takes OBJECT. */
static emr_status write_json(const char *file, json_t *object, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *text = object != NULL ? json_dumps(object, JSON_INDENT(1)) : NULL;
	EMR_AUTO_FD here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	emr_status status =
		text != NULL ? emr_file_create(here, file, emr_bytes_of(text, strlen(text)), 0600)
			     : EMR_NO_MEMORY;

	json_decref(object);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

/* The bytes of NAME, hexadecimal. */
static emr_status take_bytes(const json_t *object, const char *name, emr_buf *out)
{
	const char *text = json_string_value(json_object_get(object, name));
	size_t len = text != NULL ? strlen(text) : 1;

	if (len % 2 != 0 || len / 2 > FILE_MAX)
		return EMR_DAMAGED;
	emr_buf_clear(out);
	EMR_TRY(emr_buf_append_zeros(out, len / 2));
	return emr_unhex(text, out->data, out->len);
}

static emr_status read_json(const char *file, json_t **out)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(emr_file_read(AT_FDCWD, file, FILE_MAX, &text));
	*out = json_loadb(
		(const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &(json_error_t){0});
	return *out != NULL ? EMR_OK : EMR_DAMAGED;
}

static json_t *hex_of(const emr_buf *bytes)
{
	EMR_AUTO_FREE char *text = malloc(2 * bytes->len + 1);

	if (text == NULL)
		return NULL;
	emr_hex(bytes->data, bytes->len, text);
	return json_string(text);
}

/* A request: who asks, and the trustees' letters as they stood on the ledger. */
typedef struct request {
	emr_buf card, item, part;
	emr_card from;
	emr_id32 about;
	char number[EMR_SAFETY_NUMBER_CHARS]; /* of the card alone: who asks reads it out */
} request;

static void request_end(request *r)
{
	emr_buf_free(&r->card);
	emr_buf_free(&r->item);
	emr_buf_free(&r->part);
}
#define AUTO_REQUEST __attribute__((cleanup(request_end))) request

static emr_status complete(request *r)
{
	const emr_bytes all[] = {
		emr_buf_view(&r->card), emr_buf_view(&r->item), emr_buf_view(&r->part)};

	EMR_TRY(emr_card_read(all[0], &r->from));
	r->about = emr_sha256_of(all, sizeof all / sizeof *all);
	return emr_card_safety_number(&r->from, false, &r->from, false, r->number);
}

static emr_status read_request(const char *file, request *out, emr_problem *out_problem)
{
	json_auto_t *object = NULL;
	emr_status status = read_json(file, &object);

	if (status == EMR_OK)
		status = take_bytes(object, "card", &out->card);
	if (status == EMR_OK)
		status = take_bytes(object, "trustees", &out->item);
	if (status == EMR_OK)
		status = take_bytes(object, "letters", &out->part);
	if (status == EMR_OK)
		status = complete(out);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

/* ---- set ---- */

typedef struct setting {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	emr_trustee all[EMR_SHARES_MAX];
	unsigned n, need;
	char names[2048];
} setting;

static void setting_end(setting *s)
{
	emr_acting_end(&s->acting);
}

static emr_status add_one(setting *s, emr_crowd *crowd, const char *text, emr_problem *out_problem)
{
	emr_trustee *to = &s->all[s->n];
	emr_known_person person;
	char shown[EMR_WHO_TEXT_BYTES];
	size_t at;
	emr_who who;

	EMR_TRY(emr_who_find_or_say(crowd, text, &who, out_problem));
	if (who.kind != EMR_WHO_PERSON ||
		emr_id32_equal(who.root, emr_session_root(&s->acting.session)))
		return wrong(_("A trustee is another person."), out_problem);
	to->id = who.id;
	if (emr_replica_person(crowd->replica, who.id, &person) == EMR_OK)
		memcpy(to->x25519, person.row.x25519, sizeof to->x25519);
	else if (emr_book_find(&crowd->book, who.called, &at, shown, sizeof shown) == EMR_OK)
		memcpy(to->x25519, crowd->book.people[at].card.x25519, sizeof to->x25519);
	else
		return wrong(_("A trustee is another person."), out_problem);
	for (unsigned i = 0; i < s->n; i++)
		if (emr_id32_equal(s->all[i].id, to->id))
			return wrong(_("Each trustee is named once."), out_problem);
	emr_who_text(&who, shown, sizeof shown);
	emr_names_add(shown, "; ", s->names, sizeof s->names);
	s->n++;
	return EMR_OK;
}

static emr_status find_all(setting *s, emr_problem *out_problem)
{
	EMR_AUTO_CROWD crowd = {0};
	const char *need = s->args->values[EMR_OPT_NEED];

	EMR_TRY(emr_crowd_open(&s->acting.session, &crowd));
	for (size_t i = 1; i < s->args->n_operands; i++)
		EMR_TRY(s->n < EMR_SHARES_MAX
				? add_one(s, &crowd, s->args->operands[i], out_problem)
				: wrong(_("There are 16 trustees at most."), out_problem));
	s->need = need != NULL ? (unsigned)strtoul(need, NULL, 10) : 0;
	return s->need >= 1 && s->need <= s->n
		       ? EMR_OK
		       : wrong(_("How many of them must help: --need N, one of them at least and "
				 "all at most."),
				 out_problem);
}

/* Nobody holds a part that is given with a delay: that is said before it counts. */
static emr_status agree(const setting *s, emr_problem *out_problem)
{
	char question[sizeof s->names + 512];

	snprintf(question, sizeof question,
		_("Any %1$u of these together (%2$s) can open everything that you have, at once, "
		  "with a copy of your ledger, and you hear nothing of it. Choose them (yes, no)?"),
		s->need, s->names);
	return emr_bureau_agree(
		s->args, s->out, question, _("No trustees were chosen."), out_problem);
}

/* Those before could still help, whoever asks: new words first. */
static emr_status refuse_second(const setting *s, emr_problem *out_problem)
{
	const emr_session *session = &s->acting.session;
	EMR_AUTO_LEDGER_COPY copy = NULL;
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_id32 me = session->identity.signer_id;
	emr_status status = emr_words_ledger(session->state_path, &copy);

	if (status == EMR_OK)
		status = emr_ledger_copy_trustees(copy, &me, &item, &part);
	if (status == EMR_NOT_FOUND)
		return EMR_OK;
	return status == EMR_OK ? EMR_PROBLEM(EMR_EXISTS, out_problem, EMR_SAY_TRUSTEES_THERE, NULL)
				: EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
}

static emr_status send(setting *s)
{
	emr_session *session = &s->acting.session;
	const emr_act act =
		emr_act_trustee_set(emr_id16_random(), (uint8_t)s->need, (uint8_t)s->n, DELAY_S);
	EMR_AUTO_BUF item = {0};
	EMR_AUTO_BUF part = {0};
	emr_bytes parts[1];
	uint64_t size = 0;
	uint8_t code;

	EMR_TRY(emr_act_item(
		&act, session->identity.signer_id, emr_clock_unix_s(emr_clock_system()), &item));
	EMR_TRY(emr_trustees_part_seal(session->keyring, emr_buf_view(&item), s->all, &part));
	parts[0] = emr_buf_view(&part);
	EMR_TRY(emr_act_send_each(
		session->keyring, session->ledger, &act, parts, 1, NULL, &code, &size));
	return code <= EMR_RESULT_ALREADY ? EMR_OK : EMR_DENIED;
}

static emr_status set(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(setting_end)))
	setting s = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	emr_status status;

	EMR_TRY(emr_acting_keys(&s.acting, args, out_problem));
	if (emr_keyring_kind_of(s.acting.session.keyring) != EMR_KEYRING_PERSON)
		return wrong(_("The 24 words are those of your first computer: this keyring has "
			       "none."),
			out_problem);
	EMR_TRY(emr_acting_open(&s.acting, out_problem));
	EMR_TRY(emr_keyring_public(s.acting.session.keyring, &s.acting.session.identity));
	EMR_TRY(find_all(&s, out_problem));
	EMR_TRY(refuse_second(&s, out_problem));
	EMR_TRY(agree(&s, out_problem));
	status = send(&s);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	emr_out_number(out, "needed", s.need);
	emr_out_number(out, "trustees", s.n);
	emr_say(out,
		"Any %u of these can give you your words back: %s.\nThey need nothing but their "
		"own keyrings. Make a backup now: whoever asks them needs one.\n",
		s.need, s.names);
	emr_keys_say_backups(out, s.acting.session.state_fd);
	return EMR_OK;
}

/* ---- ask ---- */

static emr_status keyring_name(const char *file, char out[4200], emr_problem *out_problem)
{
	return snprintf(out, 4200, "%s" KEYRING_SUFFIX, file) < 4200
		       ? EMR_OK
		       : EMR_PROBLEM_STATUS(out_problem, EMR_LIMIT, file);
}

static emr_status make_keyring(
	const emr_args *args, const char *file, emr_keyring **out, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE passphrase = {0};
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_SETTINGS settings = {0};
	EMR_AUTO_FD here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[4200];
	emr_status status;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_settings_read(&places, &settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(keyring_name(file, name, out_problem));
	EMR_TRY(emr_passphrase_get(
		args->values[EMR_OPT_PASSPHRASE_FILE], true, &passphrase, out_problem));
	status = emr_keyring_create(EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), out);
	if (status == EMR_OK)
		status = emr_keyring_save(
			*out, here, name, emr_passphrase_view(&passphrase), &settings.kdf);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, name);
}

static emr_status find_trustees(const char *state_path, request *r)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_id32 owner = {{0}};

	EMR_TRY(emr_words_ledger(state_path, &copy));
	return emr_ledger_copy_trustees(copy, &owner, &r->item, &r->part);
}

static emr_status stop(void *arg)
{
	(void)arg;
	return EMR_INTERRUPTED;
}

/* The ledger of the backup in DIR comes out of it for a moment, without the records. */
static emr_status find_in_backup(const char *dir, request *r)
{
	const emr_backup_options options = {.before_segments = stop};
	EMR_AUTO_FD here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EMR_AUTO_MANIFEST list = {0};
	EMR_AUTO_FD stage_fd = -1;
	char stage[] = "trustees-XXXXXX";
	emr_status status;

	if (here < 0 || mkdtemp(stage) == NULL)
		return EMR_IO;
	stage_fd = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = emr_backup_restore(dir, stage_fd, &options, &list);
	if (status == EMR_INTERRUPTED)
		status = find_trustees(stage, r);
	(void)!emr_stage_remove_tree(here, stage);
	return status;
}

static emr_status read_trustees(const char *dir, request *r, emr_problem *out_problem)
{
	emr_status status = find_trustees(dir, r);

	if (status == EMR_NOT_FOUND)
		status = find_in_backup(dir, r);
	if (status == EMR_NOT_FOUND)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_TRUSTEES, "dir", dir, NULL);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, dir);
}

static emr_status ask(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_CARD_FILE], *name = args->values[EMR_OPT_NAME];
	EMR_AUTO_KEYRING keyring = NULL;
	AUTO_REQUEST r = {.card = {0}};
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	emr_status status;

	if (args->n_operands != 2 || file == NULL)
		return wrong(_("emrfs trustees ask BACKUP -o FILE"), out_problem);
	EMR_TRY(read_trustees(args->operands[1], &r, out_problem));
	EMR_TRY(make_keyring(args, file, &keyring, out_problem));
	status = emr_card_make_person(keyring, (emr_id16){{0}}, now, now + 31622400u,
		name != NULL ? name : "", "", &r.card);
	if (status == EMR_OK)
		status = complete(&r);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, file);
	EMR_TRY(write_json(file,
		json_pack("{s:o*, s:o*, s:o*}", "card", hex_of(&r.card), "trustees",
			hex_of(&r.item), "letters", hex_of(&r.part)),
		out_problem));
	emr_out_text(out, "number", r.number);
	emr_out_number(out, "needed", r.item.data[EMR_ITEM_BYTES]);
	emr_say(out,
		"Give %s to your trustees, and read them this number by telephone:\n  %s\n%u of "
		"them must answer (emrfs trustees help). Then: emrfs trustees words %s ANSWER...\n",
		file, r.number, r.item.data[EMR_ITEM_BYTES], file);
	return EMR_OK;
}

/* ---- help ---- */

/* By any key that the trustee had. */
static emr_status answer(const emr_keyring *keyring, const request *r, uint8_t *out)
{
	__attribute__((cleanup(box_end))) emr_box_key *box = NULL;
	emr_status status = emr_box_key_identity(keyring, &box);
	emr_id32 me;

	for (size_t i = 0; status == EMR_OK && emr_keyring_former_id(keyring, i, &me) == EMR_OK;
		i++) {
		emr_status one = emr_trustee_answer(box, me, emr_buf_view(&r->item),
			emr_buf_view(&r->part), r->from.x25519, r->about, out);

		if (one != EMR_NOT_FOUND)
			return one;
	}
	return status == EMR_OK ? EMR_NOT_FOUND : status;
}

static emr_status help(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_CARD_FILE];
	uint8_t sealed[EMR_TRUSTEE_ANSWER_BYTES];
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_KEYRING keyring = NULL;
	EMR_AUTO_FD state_fd = -1;
	AUTO_REQUEST r = {.card = {0}};
	char question[1024], shown[512], about[65], hex[2 * sizeof sealed + 1];
	emr_status status;

	if (args->n_operands != 2 || file == NULL)
		return wrong(_("emrfs trustees help REQUEST -o FILE"), out_problem);
	EMR_TRY(read_request(args->operands[1], &r, out_problem));
	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_places_open_state(&places, false, &state_fd, out_problem));
	EMR_TRY(emr_keys_open(state_fd, places.state, args->values[EMR_OPT_PASSPHRASE_FILE],
		&keyring, out_problem));
	status = answer(keyring, &r, sealed);
	if (status == EMR_NOT_FOUND)
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NOT_TRUSTEE, NULL);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, args->operands[1]);
	emr_show(r.from.name, shown, sizeof shown);
	snprintf(question, sizeof question,
		_("Somebody who says to be '%s' asks. Call the person whom you know, by a number "
		  "that you had before. Is this what you hear (yes, no)?\n  %s\n"),
		shown, r.number);
	EMR_TRY(emr_bureau_agree(args, out, question, _("Nothing was answered."), out_problem));
	EMR_TRY(emr_bureau_agree(args, out,
		_("Whoever asks can open everything of that person with the answers of enough "
		  "trustees. Answer (yes, no)?"),
		_("Nothing was answered."), out_problem));
	emr_hex(r.about.b, sizeof r.about.b, about);
	emr_hex(sealed, sizeof sealed, hex);
	EMR_TRY(write_json(
		file, json_pack("{s:s, s:s}", "about", about, "answer", hex), out_problem));
	emr_out_text(out, "number", r.number);
	emr_say(out, "Send %s to who asks: nobody else can read it.\n", file);
	return EMR_OK;
}

/* ---- words ---- */

static emr_status add_answer(const char *file, const request *r, const emr_box_key *box,
	emr_trustee_shares *shares, emr_problem *out_problem)
{
	json_auto_t *object = NULL;
	EMR_AUTO_BUF sealed = {0};
	emr_status status = read_json(file, &object);

	if (status == EMR_OK)
		status = take_bytes(object, "answer", &sealed);
	if (status == EMR_OK)
		status = emr_trustee_shares_add(shares, box, emr_buf_view(&r->item),
			emr_buf_view(&r->part), r->about, emr_buf_view(&sealed));
	if (status == EMR_EXISTS)
		return EMR_OK;
	if (status == EMR_DAMAGED)
		return EMR_PROBLEM(
			EMR_DAMAGED, out_problem, EMR_SAY_ANSWER_WRONG, "file", file, NULL);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

static emr_status open_shares(const emr_args *args, const request *r, emr_trustee_shares *shares,
	emr_problem *out_problem)
{
	__attribute__((cleanup(box_end))) emr_box_key *box = NULL;
	EMR_AUTO_PASSPHRASE passphrase = {0};
	EMR_AUTO_KEYRING keyring = NULL;
	const char *field = NULL;
	char name[4200];
	emr_status status;

	EMR_TRY(keyring_name(args->operands[1], name, out_problem));
	EMR_TRY(emr_passphrase_get(
		args->values[EMR_OPT_PASSPHRASE_FILE], false, &passphrase, out_problem));
	status = emr_keyring_open(
		AT_FDCWD, name, emr_passphrase_view(&passphrase), &keyring, &field);
	if (status == EMR_OK)
		status = emr_box_key_identity(keyring, &box);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, name);
	for (size_t i = 2; i < args->n_operands; i++)
		EMR_TRY(add_answer(args->operands[i], r, box, shares, out_problem));
	return EMR_OK;
}

static emr_status words(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(emr_trustee_shares_free))) emr_trustee_shares shares = {.n = 0};
	const char *file = args->values[EMR_OPT_WORDS_FILE];
	EMR_AUTO_KEYRING keyring = NULL;
	AUTO_REQUEST r = {.card = {0}};
	char have[24], need[24];
	emr_status status;

	if (args->n_operands < 2)
		return wrong(_("emrfs trustees words REQUEST ANSWER..."), out_problem);
	if (file == NULL && !args->given[EMR_OPT_TEST] && !emr_terminal_there())
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(read_request(args->operands[1], &r, out_problem));
	EMR_TRY(open_shares(args, &r, &shares, out_problem));
	snprintf(have, sizeof have, "%u", shares.n);
	snprintf(need, sizeof need, "%u", r.item.data[EMR_ITEM_BYTES]);
	if (shares.n < r.item.data[EMR_ITEM_BYTES])
		return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_ANSWERS_FEW, "n", have, "m",
			need, NULL);
	emr_out_number(out, "answers", shares.n);
	if (args->given[EMR_OPT_TEST]) {
		emr_say(out, "Enough trustees have answered, and each answer is true.\n");
		return EMR_OK;
	}
	status = emr_trustees_recover(&shares, emr_buf_view(&r.item), emr_buf_view(&r.part),
		emr_clock_unix_s(emr_clock_system()), &keyring);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, args->operands[1]);
	if (file != NULL)
		EMR_TRY(emr_words_write(keyring, file, out_problem));
	else if ((status = emr_words_show(keyring,
			  _("\nThen press Enter, and they leave the screen.\n"))) != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The words"));
	emr_say(out, "With these words: emrfs recover --lost, or at a new computer emrfs init "
		     "--restore DIR and then emrfs words renew: whoever helped could use them, "
		     "too.\n");
	return EMR_OK;
}

emr_status emr_cmd_trustees(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	static const struct {
		const char *name;
		emr_status (*act)(const emr_args *args, emr_out *out, emr_problem *out_problem);
	} deeds[] = {{"set", set}, {"ask", ask}, {"help", help}, {"words", words}};

	for (size_t i = 0; args->n_operands > 0 && i < sizeof deeds / sizeof *deeds; i++)
		if (strcmp(args->operands[0], deeds[i].name) == 0)
			return deeds[i].act(args, out, out_problem);
	return wrong(_("After trustees comes set, ask, help or words."), out_problem);
}
