/* This file is `emrfs trustees ask`, and the files that trustees and the person who asks them hand
 * each other. A request is made at any computer, of a backup: it has the trustees' letters out of
 * it, and the card of a key that is made for the answers alone. */
#include "trustees.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "base/file.h"
#include "keyring/cert.h"
#include "kit/language.h"
#include "ledger/copy.h"
#include "people/book.h"
#include "replica/names.h"
#include "session/keys.h"
#include "session/stage.h"

#define FILE_MAX ((size_t)64 << 10)
#define CARD_S 2678400u /* for which a request is good when the delay is over: a month */

void trust_request_end(trust_request *r)
{
	emr_buf_free(&r->card);
	emr_buf_free(&r->item);
	emr_buf_free(&r->part);
}

void trust_box_end(emr_box_key **box)
{
	emr_box_key_free(*box);
}

emr_status trust_wrong(const char *why, emr_problem *out_problem)
{
	return emr_wrong_use("trustees", why, out_problem);
}

/* ---- files ---- */

emr_status trust_is_new(const char *file, emr_problem *out_problem)
{
	if (faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_OK;
	return EMR_PROBLEM(EMR_EXISTS, out_problem, EMR_SAY_CARD_FILE, "file", file, "cause",
		emr_text(emr_status_text(EMR_EXISTS)), NULL);
}

emr_status trust_write(const char *file, json_t *object, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *text = object != NULL ? json_dumps(object, JSON_INDENT(1)) : NULL;

	json_decref(object);
	return text != NULL ? verb_write_new(file, emr_bytes_of(text, strlen(text)), out_problem)
			    : EMR_PROBLEM_STATUS(out_problem, EMR_NO_MEMORY, file);
}

emr_status trust_read(const char *file, json_t **out)
{
	EMR_AUTO_BUF text = {0};

	EMR_TRY(emr_file_read(AT_FDCWD, file, FILE_MAX, &text));
	*out = json_loadb(
		(const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &(json_error_t){0});
	return *out != NULL ? EMR_OK : EMR_DAMAGED;
}

emr_status trust_bytes(const json_t *text, emr_buf *out)
{
	const char *hex = json_string_value(text);
	size_t len = hex != NULL ? strlen(hex) : 1;

	if (len % 2 != 0 || len == 0 || len / 2 > FILE_MAX)
		return EMR_DAMAGED;
	emr_buf_clear(out);
	EMR_TRY(emr_buf_append_zeros(out, len / 2));
	return emr_unhex(hex, out->data, out->len);
}

static json_t *hex_of(const emr_buf *bytes)
{
	EMR_AUTO_FREE char *text = malloc(2 * bytes->len + 1);

	if (text == NULL)
		return NULL;
	emr_hex(bytes->data, bytes->len, text);
	return json_string(text);
}

/* Of the letters: whose they are, and how many must help. */
static emr_status read_terms(trust_request *r)
{
	emr_item item;

	EMR_TRY(emr_trustees_check(emr_buf_view(&r->item), emr_buf_view(&r->part)));
	if (emr_item_parse((emr_span){r->item.data, EMR_ITEM_BYTES}, &item) != EMR_CONTRACT_OK ||
		!emr_pub_trustee_set_parse(
			(emr_span){r->item.data + EMR_ITEM_BYTES, r->item.len - EMR_ITEM_BYTES},
			&r->terms))
		return EMR_DAMAGED;
	memcpy(r->owner.b, item.signer_id, sizeof r->owner.b);
	memcpy(r->trustees.b, item.object_id, sizeof r->trustees.b);
	return EMR_OK;
}

static emr_status complete(trust_request *r)
{
	EMR_TRY(read_terms(r));
	EMR_TRY(emr_card_read(emr_buf_view(&r->card), &r->from));
	r->about = emr_trustees_about(emr_buf_view(&r->item), r->from.x25519);
	return emr_card_safety_number(&r->from, false, &r->from, false, r->number);
}

emr_status trust_request_read(const char *file, trust_request *out, emr_problem *out_problem)
{
	json_auto_t *object = NULL;
	emr_status status = trust_read(file, &object);

	if (status == EMR_OK)
		status = trust_bytes(json_object_get(object, "card"), &out->card);
	if (status == EMR_OK)
		status = trust_bytes(json_object_get(object, "trustees"), &out->item);
	if (status == EMR_OK)
		status = trust_bytes(json_object_get(object, "letters"), &out->part);
	if (status == EMR_OK)
		status = complete(out);
	if (status == EMR_OK)
		return EMR_OK;
	return status == EMR_DAMAGED || status == EMR_LIMIT
		       ? EMR_PROBLEM(status, out_problem, EMR_SAY_REQUEST_WRONG, "file", file, NULL)
		       : EMR_PROBLEM_STATUS(out_problem, status, file);
}

/* ---- the keyring of who asks ---- */

static emr_status keyring_name(const char *file, char out[4200], emr_problem *out_problem)
{
	return snprintf(out, 4200, "%s" TRUSTEES_KEYRING, file) < 4200
		       ? EMR_OK
		       : EMR_PROBLEM_STATUS(out_problem, EMR_LIMIT, file);
}

static emr_status make_keyring(
	const emr_args *args, const char *file, emr_keyring **out, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE passphrase = {0};
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_SETTINGS settings = {0};
	EMR_AUTO_FD dir = -1;
	char path[4200], *name;
	emr_status status;

	EMR_TRY(emr_places_find(args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_settings_read(&places, &settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(keyring_name(file, path, out_problem));
	EMR_TRY(trust_is_new(path, out_problem));
	EMR_TRY(emr_passphrase_get(
		args->values[EMR_OPT_PASSPHRASE_FILE], true, &passphrase, out_problem));
	name = strrchr(path, '/');
	if (name != NULL)
		*name++ = '\0';
	dir = open(name == NULL	     ? "."
		   : path[0] != '\0' ? path
				     : "/",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = dir < 0 ? EMR_NOT_FOUND : EMR_OK;
	if (status == EMR_OK)
		status = emr_keyring_create(
			EMR_KEYRING_PERSON, emr_clock_unix_s(emr_clock_system()), out);
	if (status == EMR_OK)
		status = emr_keyring_save_new(*out, dir, name != NULL ? name : path,
			emr_passphrase_view(&passphrase), &settings.kdf);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, file);
}

emr_status trust_keyring(
	const emr_args *args, const char *file, emr_keyring **out, emr_problem *out_problem)
{
	EMR_AUTO_PASSPHRASE passphrase = {0};
	const char *field = NULL;
	char name[4200];
	emr_status status;

	EMR_TRY(keyring_name(file, name, out_problem));
	EMR_TRY(emr_passphrase_get(
		args->values[EMR_OPT_PASSPHRASE_FILE], false, &passphrase, out_problem));
	status = emr_keyring_open(AT_FDCWD, name, emr_passphrase_view(&passphrase), out, &field);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, name);
}

/* ---- the letters in a backup ---- */

/* "I7Z4KQ2M (lima); ..." of those who have trustees there. */
static void name_all(emr_ledger_copy *copy, const emr_buf *owners, char *out, size_t size)
{
	EMR_AUTO_LEDGER_MEMBERS members = {0};
	char code[EMR_KEY_CODE_MAX + 1], one[EMR_CERT_HANDLE_MAX + 64];
	emr_cert_facts facts;

	(void)!emr_ledger_copy_members(copy, &members);
	out[0] = '\0';
	EMR_EACH (const emr_id32, owner, owners) {
		emr_key_code(*owner, EMR_KEY_CODE_NAMES, code);
		snprintf(one, sizeof one, "%s", code);
		EMR_EACH (const emr_ledger_member, member, &members)
			if (emr_id32_equal(member->signer_id, *owner) &&
				emr_cert_read(emr_buf_view(&member->certificate), &facts) ==
					EMR_OK &&
				facts.handle[0] != '\0')
				snprintf(one, sizeof one, "%s (%s)", code, facts.handle);
		emr_names_add(one, "; ", out, size);
	}
}

static emr_status choose_owner(emr_ledger_copy *copy, const char *dir, const char *who,
	emr_id32 *out, emr_problem *out_problem)
{
	EMR_AUTO_BUF owners = {0};
	char names[2048];
	size_t n = 0;
	emr_status status = emr_ledger_copy_trusting(copy, &owners);

	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, _("The ledger"));
	EMR_EACH (const emr_id32, owner, &owners)
		if (who == NULL || emr_key_code_names(*owner, who)) {
			*out = *owner;
			n++;
		}
	if (n == 1)
		return EMR_OK;
	if (owners.len == 0)
		return EMR_PROBLEM(
			EMR_NOT_FOUND, out_problem, EMR_SAY_NO_TRUSTEES, "dir", dir, NULL);
	name_all(copy, &owners, names, sizeof names);
	return EMR_PROBLEM(EMR_CONFLICT, out_problem, EMR_SAY_WHOSE_TRUSTEES, "names", names, NULL);
}

/* DIR is what the caller named.  EMR_NOT_FOUND without a problem: there is no ledger. */
static emr_status find_in(const char *state_path, const char *dir, const char *who,
	trust_request *r, emr_problem *out_problem)
{
	EMR_AUTO_LEDGER_COPY copy = NULL;
	emr_id32 owner;
	emr_status status;

	EMR_TRY(emr_words_ledger(state_path, &copy));
	EMR_TRY(choose_owner(copy, dir, who, &owner, out_problem));
	status = emr_ledger_copy_trustees(copy, owner, &r->item, &r->part);
	return status == EMR_OK ? EMR_OK : EMR_PROBLEM_STATUS(out_problem, status, dir);
}

static emr_status stop(void *arg)
{
	(void)arg;
	return EMR_INTERRUPTED;
}

/* The ledger of the backup in DIR comes out of it for a moment, without the records. */
static emr_status find_in_backup(
	const char *dir, const char *who, trust_request *r, emr_problem *out_problem)
{
	const emr_backup_options options = {.before_segments = stop};
	const char *temporary = getenv("TMPDIR");
	EMR_AUTO_MANIFEST list = {0};
	EMR_AUTO_FD stage_fd = -1, root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char stage[4200];
	emr_status status;

	snprintf(stage, sizeof stage, "%.4000s/emrfs-trustees-XXXXXX",
		temporary != NULL && temporary[0] == '/' ? temporary : "/tmp");
	if (root < 0 || mkdtemp(stage) == NULL)
		return EMR_PROBLEM_STATUS(out_problem, EMR_IO, stage);
	stage_fd = open(stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = emr_backup_restore(dir, stage_fd, &options, &list);
	if (status == EMR_INTERRUPTED)
		status = find_in(stage, dir, who, r, out_problem);
	(void)!emr_stage_remove_tree(root, stage + 1);
	return status;
}

static emr_status read_trustees(
	const char *dir, const char *who, trust_request *r, emr_problem *out_problem)
{
	emr_status status;

	status = find_in(dir, dir, who, r, out_problem);
	if (status == EMR_NOT_FOUND && !out_problem->is_set)
		status = find_in_backup(dir, who, r, out_problem);
	if (status == EMR_OK || out_problem->is_set)
		return status;
	return status == EMR_NOT_FOUND
		       ? EMR_PROBLEM(status, out_problem, EMR_SAY_BACKUP_NONE, "dir", dir, NULL)
		       : EMR_PROBLEM_STATUS(out_problem, status, dir);
}

/* ---- ask ---- */

emr_status trust_request_make(const emr_args *args, trust_request *r, const char *others,
	emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_CARD_FILE], *name = args->values[EMR_OPT_NAME];
	const uint64_t now = emr_clock_unix_s(emr_clock_system());
	EMR_AUTO_KEYRING keyring = NULL;
	char code[EMR_KEY_CODE_MAX + 1];
	emr_status status;

	EMR_TRY(make_keyring(args, file, &keyring, out_problem));
	status = read_terms(r);
	if (status == EMR_OK)
		status = emr_card_make_person(keyring, (emr_id16){{0}}, now,
			now + r->terms.delay_s + CARD_S, name != NULL ? name : "", "", &r->card);
	if (status == EMR_OK)
		status = complete(r);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, file);
	EMR_TRY(trust_write(file,
		json_pack("{s:o*, s:o*, s:o*}", "card", hex_of(&r->card), "trustees",
			hex_of(&r->item), "letters", hex_of(&r->part)),
		out_problem));
	emr_key_code(r->owner, EMR_KEY_CODE_NAMES, code);
	emr_out_text(out, "whose", code);
	emr_out_text(out, "number", r->number);
	emr_out_number(out, "needed", r->terms.t);
	emr_out_number(out, "agents_needed", r->terms.agents_t);
	emr_out_number(out, "delay", r->terms.delay_s);
	if (others != NULL) {
		emr_say(out,
			"You and one of these answer it (emrfs trustees help %s): %s. Read them "
			"this "
			"number by telephone:\n  %s\nAgents of the network answer %u days after "
			"the "
			"first of you: answer once more then. Then: emrfs trustees words %s "
			"ANSWER...\n",
			file, others, r->number, r->terms.delay_s / 86400, file);
		return EMR_OK;
	}
	emr_say(out,
		"Give %s to your trustees, and read them this number by telephone:\n  %s\n%u of "
		"them must answer (emrfs trustees help). Then: emrfs trustees words %s ANSWER...\n",
		file, r->number, r->terms.t, file);
	if (r->terms.agents_t > 0)
		emr_say(out,
			"One of them must be a member of your network: agents there answer after a "
			"delay of %u days.\n",
			r->terms.delay_s / 86400);
	return EMR_OK;
}

emr_status trust_ask(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	const char *file = args->values[EMR_OPT_CARD_FILE];
	const char *who = args->n_operands > 2 ? args->operands[2] : NULL;
	AUTO_TRUST_REQUEST r = {.card = {0}};

	if (args->n_operands < 2 || args->n_operands > 3 || file == NULL)
		return trust_wrong(_("emrfs trustees ask BACKUP -o FILE"), out_problem);
	EMR_TRY(trust_is_new(file, out_problem));
	EMR_TRY(read_trustees(args->operands[1], who, &r, out_problem));
	return trust_request_make(args, &r, NULL, out, out_problem);
}
