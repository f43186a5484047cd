/*
 * fuzz_dns.c - the reader of DNS answers: the first byte chooses the type.
 */
#include "dns/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {DNS_A, DNS_AAAA, DNS_MX};
	static struct dns_answer answer;
	struct err e;

	if (size == 0)
		return 0;
	if (dns_answer_read(span_of(data + 1, size - 1), types[data[0] % 3],
		    &answer, &e) == OK)
		must(answer.count <= DNS_RECORDS_MAX);
	else
		must(answer.count == 0);
	return 0;
}
