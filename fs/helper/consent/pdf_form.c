/* This file has a PDF form read by helpers without keys: one takes it apart, and where it is
 * signed another one checks the signature. It believes only a little of what they say. */
#include "consent/pdf_form.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "helper/helper.h"
#include "kit/language.h"

#include "pdf_parts.h"

#define FORM_MS 15000

/* Where a viewer looks for it; what comes before it nobody would see. */
bool emr_pdf_form_is(emr_bytes file)
{
	static const char head[] = "%PDF-";

	return file.len >= sizeof head - 1 && memcmp(file.data, head, sizeof head - 1) == 0;
}

static const char *why_not(uint32_t fault)
{
	static const char *const whys[EMR_PDF_FAULTS] = {
		[EMR_PDF_DAMAGED] = N_("the PDF is damaged, or not as it should be"),
		[EMR_PDF_ENCRYPTED] = N_("the PDF is encrypted"),
		[EMR_PDF_EMPTY] = N_("no FHIR Consent (a file in JSON) is attached to the PDF"),
		[EMR_PDF_SEVERAL] =
			N_("more than one file is attached to the PDF that may be its Consent"),
		[EMR_PDF_LARGE] = N_("it is larger than a Consent may be (256 KiB)"),
		[EMR_PDF_SIGNED_TWICE] = N_("the PDF has more than one signature"),
		[EMR_PDF_SIGNED_OTHERWISE] =
			N_("the PDF is signed in a way that is not read here, or too weak"),
		[EMR_PDF_SIGNED_PARTLY] =
			N_("the signature does not cover the whole PDF: something was added to it "
			   "after it was signed"),
		[EMR_PDF_CHANGED] = N_("the signature does not fit: the PDF was changed after it "
				       "was signed"),
	};

	return fault < EMR_PDF_FAULTS && whys[fault] != NULL
		       ? whys[fault]
		       : N_("the PDF could not be read safely");
}

/* A file of memory that nobody changes any more. */
static emr_status file_of_memory(emr_bytes bytes, int *out_fd)
{
	emr_status status = EMR_OK;

	*out_fd = memfd_create("form", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*out_fd < 0)
		return EMR_NO_MEMORY;
	if (bytes.len > 0)
		status = emr_pwrite_all(*out_fd, bytes.data, bytes.len, 0);
	if (status == EMR_OK &&
		fcntl(*out_fd, F_ADD_SEALS,
			F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		status = EMR_IO;
	return status;
}

/* One question to a new process.  EMR_INVALID: it broke, or was late. */
static emr_status ask_helper(const char *program, const char *role, const pdf_question *question,
	const int fds[2], pdf_answer *out)
{
	emr_helper helper = EMR_HELPER_NONE;
	int64_t end_ms = emr_helper_end_ms(FORM_MS);
	emr_status status = emr_helper_start(&helper, program, role, PDF_PROTOCOL);
	size_t got = 0;

	if (status != EMR_OK)
		return status == EMR_NO_MEMORY ? status : EMR_IO;
	if (!emr_helper_tell(&helper, question, sizeof *question, fds, 2, end_ms) ||
		emr_helper_hear(&helper, out, sizeof *out, &got, end_ms) != EMR_OK ||
		got != sizeof *out || out->fault >= EMR_PDF_FAULTS ||
		out->signature >= EMR_PDF_SIGNATURES ||
		memchr(out->signer, '\0', sizeof out->signer) == NULL)
		status = EMR_INVALID;
	emr_helper_stop(&helper);
	return status;
}

static emr_status take_form(const char *program, int file, pdf_question *question, pdf_answer *out,
	emr_buf *out_consent)
{
	EMR_AUTO_FD written = memfd_create("consent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const int fds[] = {file, written};
	emr_status status;

	if (written < 0)
		return EMR_NO_MEMORY;
	/* a helper that was taken over fills no memory with it */
	if (ftruncate(written, EMR_CONSENT_BYTES_MAX) != 0 ||
		fcntl(written, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return EMR_IO;
	EMR_TRY(ask_helper(program, PDF_TAKE, question, fds, out));
	if (out->fault != EMR_PDF_FINE)
		return EMR_OK;
	if (out->consent_size > EMR_CONSENT_BYTES_MAX)
		return EMR_INVALID;
	status = emr_buf_reserve(out_consent, (size_t)out->consent_size);
	if (status == EMR_OK)
		status = emr_pread_all(written, out_consent->data + out_consent->len,
			(size_t)out->consent_size, 0);
	if (status == EMR_OK)
		out_consent->len += (size_t)out->consent_size;
	return status == EMR_NO_MEMORY || status == EMR_OK ? status : EMR_INVALID;
}

static emr_status check_form(const char *program, int file, emr_bytes signers,
	pdf_question *question, pdf_answer *taken, emr_pdf_form *out)
{
	EMR_AUTO_FD trusted = -1;
	emr_status status = file_of_memory(signers, &trusted);
	const int fds[] = {file, trusted};
	pdf_answer checked = {0};

	question->from = taken->from;
	question->to = taken->to;
	question->signers_size = signers.len;
	if (status == EMR_OK)
		status = ask_helper(program, PDF_CHECK, question, fds, &checked);
	if (status != EMR_OK)
		return status;
	taken->fault = checked.fault;
	if (checked.fault != EMR_PDF_FINE)
		return EMR_OK;
	if (checked.signature == EMR_PDF_UNSIGNED)
		return EMR_INVALID;
	out->signature = (emr_pdf_signature)checked.signature;
	memcpy(out->signer, checked.signer, sizeof out->signer);
	return EMR_OK;
}

emr_status emr_pdf_form_read(const char *program, emr_bytes file, emr_bytes signers, uint64_t now,
	emr_pdf_form *out, emr_buf *out_consent, const char **out_why)
{
	pdf_question question = {.size = file.len, .now = now};
	pdf_answer taken = {.fault = EMR_PDF_LARGE};
	emr_pdf_form form = {0};
	EMR_AUTO_FD held = -1;
	emr_status status = EMR_INVALID;

	if (file.len <= EMR_PDF_FORM_BYTES_MAX && signers.len <= EMR_PDF_SIGNERS_BYTES_MAX) {
		taken.fault = EMR_PDF_FAULTS;
		status = file_of_memory(file, &held);
	}
	if (status == EMR_OK)
		status = take_form(program, held, &question, &taken, out_consent);
	if (status == EMR_OK && taken.fault == EMR_PDF_FINE && taken.signature != EMR_PDF_UNSIGNED)
		status = check_form(program, held, signers, &question, &taken, &form);
	if (status == EMR_OK && taken.fault != EMR_PDF_FINE)
		status = EMR_INVALID;
	if (status == EMR_INVALID)
		*out_why = why_not(taken.fault == EMR_PDF_FINE ? EMR_PDF_FAULTS : taken.fault);
	if (status == EMR_OK)
		*out = form;
	return status;
}
