/* This file is `emrfs verify --proof`: it checks a proof file, and a copy of the plaintext, with
 * neither keyring nor open folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "kit/language.h"
#include "kit/paths.h"
#include "kit/text.h"
#include "proof/proof.h"
#include "session/annex.h"
#include "session/network_dir.h"
#include "verbs/cmd.h"

/* The facts that the answer needs besides the verdict. */
typedef struct outcome {
	const char *file, *copy; /* COPY NULL = none */
	bool has_own, is_own; /* there is a network here; it, or one that was left, is the proof's
			       */
	char left[256];	      /* the name of that one; "": none */
	emr_proof_verdict v;
} outcome;

/* ---- the files ---- */

static emr_status open_file(const char *path, int *out_fd, emr_problem *out_problem)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int error = fd < 0 || fstat(fd, &st) != 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;

	if (error == 0) {
		*out_fd = fd;
		return EMR_OK;
	}
	emr_auto_close(&fd);
	return EMR_PROBLEM(EMR_NOT_FOUND, out_problem, EMR_SAY_NO_SUCH_FILE, "path", path, "cause",
		error == EINVAL ? _("it is no file") : emr_text_errno(error), NULL);
}

/* The network of this computer, if it has one, and those that were left; needs no key. */
static void compare_network(const emr_args *args, outcome *o)
{
	EMR_AUTO_PLACES places = {0};
	char dir[4400];
	emr_problem ignored = {0};
	emr_id16 net;

	if (emr_places_find(args->values[EMR_OPT_AS], &places, &ignored) != EMR_OK)
		return;
	snprintf(dir, sizeof dir, "%.4000s", places.state);
	while (!o->is_own && strlen(dir) < sizeof dir - sizeof "/" EMR_STATE_ANNEX) {
		EMR_AUTO_BUF descriptor = {0};

		if (emr_network_dir_descriptor(dir, &descriptor) != EMR_OK)
			return;
		emr_descriptor_net_id((emr_span){descriptor.data, descriptor.len}, net.b);
		o->is_own = emr_id16_equal(net, o->v.net_id);
		if (o->is_own && o->has_own)
			(void)!emr_network_dir_name(dir, o->left);
		o->has_own = true;
		strcat(dir, "/" EMR_STATE_ANNEX);
	}
}

/* ---- the answer ---- */

static json_t *hex_json(const uint8_t *data, size_t len)
{
	char text[65];

	emr_hex(data, len, text);
	return json_string(text);
}

static json_t *witnesses_json(const emr_proof_verdict *v)
{
	json_t *names = json_array();

	for (size_t i = 0; names != NULL && i < v->n_names; i++)
		if (memcmp(v->names[i], v->handle_id, 8) != 0 &&
			json_array_append_new(names, hex_json(v->names[i], 8)) != 0) {
			json_decref(names);
			return NULL;
		}
	return names;
}

static void put_facts(emr_out *out, const outcome *o)
{
	const emr_proof_verdict *v = &o->v;
	char at[EMR_TEXT_BYTES], tx[96], id[65];

	emr_time_json((int64_t)v->ledger_time, at);
	emr_hex(v->batch_id.b, 32, id);
	snprintf(tx, sizeof tx, "%llu:%s", (unsigned long long)v->seq, id);
	emr_out_text(out, "signer", v->signer);
	emr_out_text(out, "time", at);
	emr_out_text(out, "tx", tx);
	emr_out_text(out, "organisation", v->organisation);
	emr_out_number(out, "bytes", v->n);
	emr_out_number(out, "version", v->cver);
	emr_out_put(out, "network", hex_json(v->net_id.b, 16));
	emr_out_put(out, "own_network", o->has_own ? json_boolean(o->is_own) : json_null());
	emr_out_put(out, "certificate", hex_json(v->certificate.b, 32));
	emr_out_put(out, "copy", o->copy != NULL ? json_true() : json_null());
	emr_out_put(out, "chain",
		json_pack("{s:I, s:o, s:o, s:s}", "size", (json_int_t)v->size, "root",
			hex_json(v->root, 32), "witnesses", witnesses_json(v), "kind",
			v->is_of_channel ? "fabric" : "embedded"));
}

static void say_facts(emr_out *out, const outcome *o)
{
	const emr_proof_verdict *v = &o->v;
	char bytes[EMR_TEXT_BYTES], issued[EMR_TEXT_BYTES], at[EMR_TEXT_BYTES];
	char shown[260], net[33], certificate[65], root[65];

	emr_number_text(v->n, bytes);
	emr_time_text((int64_t)v->issued_at, issued);
	emr_time_text((int64_t)v->ledger_time, at);
	emr_hex(v->net_id.b, 16, net);
	emr_hex(v->certificate.b, 32, certificate);
	emr_hex(v->root, 32, root);
	emr_show(v->signer, shown, sizeof shown);
	emr_say(out, "Signed by %s, %s: version %llu, %s bytes.\n", shown, issued,
		(unsigned long long)v->cver, bytes);
	emr_say(out, "On the ledger since %s.\n", at);
	if (v->is_of_channel)
		emr_say(out,
			"The ledger is a channel of Fabric: that its peers took the entry then is "
			"the word of who signed the head.\n");
	if (o->copy != NULL)
		emr_say(out, "The copy is what was signed, byte for byte.\n");
	if (o->left[0] != '\0') {
		emr_show(o->left, shown, sizeof shown);
		emr_say(out, "Its network is one that you left: %s.\n", shown);
	}
	/* Where it is one's own network, it was compared. */
	if (o->has_own && o->is_own)
		return;
	emr_say(out, "Network      %s%s\n", net, o->has_own ? _("  (not yours)") : "");
	emr_say(out, "Certificate  %s\n", certificate);
	emr_say(out, "Head         %s\n", root);
	emr_say(out, "Anybody can make a network: compare these numbers with what the signer "
		     "gives you.\n");
}

static emr_status conclude(emr_out *out, const outcome *o, emr_problem *out_problem)
{
	const char *step = emr_proof_step_text(o->v.step);
	json_auto_t *witnesses = NULL;

	emr_out_number(out, "checked", o->v.checks);
	if (o->v.step != EMR_PROOF_SOUND) {
		emr_out_put(out, "bad",
			json_pack("[{s:o, s:s}]", "path", emr_json_text(o->file), "error", step));
		return EMR_PROBLEM(EMR_DAMAGED, out_problem, EMR_SAY_BAD_PROOF, "path",
			o->v.step == EMR_PROOF_BAD_COPY ? o->copy : o->file, "field", step, "cause",
			o->v.why, NULL);
	}
	emr_out_put(out, "bad", json_array());
	put_facts(out, o);
	say_facts(out, o);
	witnesses = witnesses_json(&o->v);
	if (json_array_size(witnesses) == 0)
		emr_remark_that(out, EMR_SAY_NOT_WITNESSED, NULL);
	return EMR_OK;
}

/* ---- the verb ---- */

emr_status emr_verify_proof(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	outcome o = {.file = args->values[EMR_OPT_PROOF],
		.copy = args->n_operands > 0 ? args->operands[0] : NULL};
	EMR_AUTO_BUF file = {0};
	EMR_AUTO_FD fd = -1, copy_fd = -1;
	emr_status status;

	EMR_TRY(emr_base_init());
	if (args->given[EMR_OPT_QUICK] || args->given[EMR_OPT_CHAIN])
		return emr_wrong_use("verify",
			_("--proof checks a file by itself: --quick and --chain do not fit."),
			out_problem);
	status = open_file(o.file, &fd, out_problem);
	if (status == EMR_OK)
		status = emr_read_all(fd, EMR_PROOF_FILE_MAX, &file);
	if (status == EMR_LIMIT) /* its length says so where it is checked */
		status = EMR_OK;
	if (status == EMR_OK && o.copy != NULL)
		status = open_file(o.copy, &copy_fd, out_problem);
	if (status == EMR_OK)
		status = emr_proof_check(emr_buf_view(&file), copy_fd, NULL, &o.v);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, o.file);
	if (status != EMR_OK)
		return status;
	compare_network(args, &o);
	return conclude(out, &o, out_problem);
}
