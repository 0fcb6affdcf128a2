/* This file sends one operation, or a few that belong together, to the ledger in a batch. It
 * judges nothing: the contract does. */
#include "ledger/act_send.h"

#include <stdlib.h>
#include <string.h>

#include "contract/codes.h"
#include "ledger/batch.h"

#define VALID_FOR_S ((uint64_t)7 * 86400)
#define PROMPT_FOR_S 500 /* below the least limit of emr_op_validity_s, for clocks that differ */

emr_status emr_act_send(const emr_keyring *keyring, emr_ledger *ledger, const emr_act *act,
	emr_bytes part, const emr_clock *clock, uint8_t *out_code)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_status status = answer == NULL ? EMR_NO_MEMORY
					   : emr_act_send_as(keyring, emr_signer_identity(), ledger,
						     act, part, clock, answer);

	if (status == EMR_OK)
		*out_code = answer->refusal != 0 ? answer->refusal : answer->results[0];
	return status;
}

/* Of the same row, and the version behind that of ONE. */
static bool comes_behind(const emr_act *one, const emr_act *next, emr_id32 signer)
{
	emr_key_text row, other;

	return next->version == one->version + 1 && emr_act_row_key(one, signer, &row) == EMR_OK &&
	       emr_act_row_key(next, signer, &other) == EMR_OK && strcmp(row.text, other.text) == 0;
}

static emr_status make_batch(const emr_keyring *keyring, emr_signer who, emr_ledger *ledger,
	const emr_act *acts, const emr_bytes *parts, size_t n, const emr_batch_options *seen,
	const emr_clock *clock, emr_buf *out)
{
	uint64_t now = emr_clock_unix_s(clock != NULL ? clock : emr_clock_system());
	emr_batch_options options = seen != NULL ? *seen : (emr_batch_options){.seen_seq = 0};
	EMR_AUTO_BATCH batch = NULL;
	bool is_prompt = false;
	emr_id32 item;

	options.keyring = keyring;
	options.signer = who;
	options.net_id = emr_ledger_net_id(ledger);
	EMR_TRY(emr_batch_new(&options, &batch));
	for (size_t i = 0; i < n; i++) {
		emr_operation operation =
			emr_act_operation(&acts[i], now, parts != NULL ? parts[i] : (emr_bytes){0});

		if (i > 0 && comes_behind(&acts[i - 1], &acts[i], emr_batch_signer_id(batch)))
			operation.prev = item;
		is_prompt = is_prompt || emr_op_is_prompt(acts[i].op);
		EMR_TRY(emr_batch_add(batch, &operation, &item));
	}
	return emr_batch_finish(batch, now, is_prompt ? PROMPT_FOR_S : VALID_FOR_S, out, NULL);
}

static emr_status act_send(const emr_keyring *keyring, emr_signer who, emr_ledger *ledger,
	const emr_act *acts, const emr_bytes *parts, size_t n, const emr_batch_options *seen,
	const emr_clock *clock, emr_ledger_answer *out_answer)
{
	EMR_AUTO_BUF bytes = {0};

	EMR_TRY(make_batch(keyring, who, ledger, acts, parts, n, seen, clock, &bytes));
	return emr_ledger_submit(ledger, emr_buf_view(&bytes), out_answer);
}

emr_status emr_act_batch(const emr_keyring *keyring, emr_signer who, emr_ledger *ledger,
	const emr_act *act, emr_bytes part, const emr_clock *clock, emr_buf *out)
{
	return make_batch(keyring, who, ledger, act, &part, 1, NULL, clock, out);
}

emr_status emr_act_send_as(const emr_keyring *keyring, emr_signer who, emr_ledger *ledger,
	const emr_act *act, emr_bytes part, const emr_clock *clock, emr_ledger_answer *out_answer)
{
	return act_send(keyring, who, ledger, act, &part, 1, NULL, clock, out_answer);
}

emr_status emr_act_send_all(const emr_keyring *keyring, emr_ledger *ledger, const emr_act *acts,
	const emr_bytes *parts, size_t n, const emr_batch_options *seen, const emr_clock *clock,
	uint8_t *out_code, uint64_t *out_size)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);
	emr_status status = answer == NULL ? EMR_NO_MEMORY
					   : act_send(keyring, emr_signer_identity(), ledger, acts,
						     parts, n, seen, clock, answer);

	if (status != EMR_OK)
		return status;
	*out_size = answer->seq + 1;
	*out_code = answer->refusal;
	for (size_t i = 0; *out_code == 0 && i < n; i++)
		if (answer->results[i] > EMR_RESULT_ALREADY)
			*out_code = answer->results[i];
	return status;
}

emr_status emr_act_send_each(const emr_keyring *keyring, emr_ledger *ledger, const emr_act *acts,
	const emr_bytes *parts, size_t n, const emr_clock *clock, uint8_t *out_codes,
	uint64_t *out_size)
{
	EMR_AUTO_FREE emr_ledger_answer *answer = malloc(sizeof *answer);

	if (answer == NULL)
		return EMR_NO_MEMORY;
	EMR_TRY(act_send(
		keyring, emr_signer_identity(), ledger, acts, parts, n, NULL, clock, answer));
	*out_size = answer->seq + 1;
	for (size_t i = 0; i < n; i++)
		out_codes[i] = answer->refusal != 0 ? answer->refusal : answer->results[i];
	return EMR_OK;
}
