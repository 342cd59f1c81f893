"""The deflate of protocol/history.md, from its text: one output for each input.

Slow, and without any of Quire's code; zlib reads what it writes.
"""
WINDOW, CANDIDATES, SHORT, LONG_ENOUGH, TOKENS = 32768, 64, 4096, 64, 16384
MATCH, BITS, LENGTH_BITS = 258, 15, 7
LENGTHS = [(3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1),
           (19, 2), (23, 2), (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4),
           (115, 4), (131, 5), (163, 5), (195, 5), (227, 5), (258, 0)]
DISTANCES = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2), (17, 3), (25, 3), (33, 4), (49, 4),
             (65, 5), (97, 5), (129, 6), (193, 6), (257, 7), (385, 7), (513, 8), (769, 8), (1025, 9), (1537, 9),
             (2049, 10), (3073, 10), (4097, 11), (6145, 11), (8193, 12), (12289, 12), (16385, 13), (24577, 13)]
ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
FIXED = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8


def tokens_of(data):
    """Literals as numbers, matches as (length, distance)."""
    chains = {}

    def hash_of(i):
        three = data[i] | data[i + 1] << 8 | data[i + 2] << 16
        return (three * 2654435761 % (1 << 32)) >> 17

    def insert(i):
        if i + 3 <= len(data):
            chains.setdefault(hash_of(i), []).append(i)

    def find(i):
        if i + 3 > len(data):
            return 0, 0
        best = (0, 0)
        for j in chains.get(hash_of(i), [])[:-CANDIDATES - 1:-1]:
            if i - j > WINDOW:
                break
            n = 0
            while n < MATCH and i + n < len(data) and data[i + n] == data[j + n]:
                n += 1
            if n > best[0]:
                best = n, i - j
        return best if best[0] > 3 or best[0] == 3 and best[1] <= SHORT else (0, 0)

    out, i, match = [], 0, find(0)
    while i < len(data):
        insert(i)
        after = find(i + 1) if match[0] < LONG_ENOUGH else (0, 0)
        if match[0] == 0 or after[0] > match[0]:
            out.append(data[i])
            i, match = i + 1, after
            continue
        out.append(match)
        for k in range(1, match[0]):
            insert(i + k)
        i += match[0]
        match = find(i)
    return out


def code_lengths(counts, limit):
    """Package-merge. counts is changed where fewer than two symbols are used."""
    symbol = 0
    while sum(c > 0 for c in counts) < 2:
        counts[symbol] = counts[symbol] or 1
        symbol += 1
    leaves = sorted((c, s) for s, c in enumerate(counts) if c > 0)
    below = []
    for _ in range(limit):
        pairs = [(below[i][0] + below[i + 1][0], 1, below[i][2] + below[i + 1][2])
                 for i in range(0, len(below) - 1, 2)]
        below = sorted([(c, 0, [s]) for c, s in leaves] + pairs, key=lambda item: item[:2])
    lengths = [0] * len(counts)
    for _, _, symbols in below[:2 * len(leaves) - 2]:
        for s in symbols:
            lengths[s] += 1
    return lengths


def codes_of(lengths):
    code, out = 0, {}
    for bits in range(1, 16):
        for symbol, length in enumerate(lengths):
            if length == bits:
                out[symbol] = format(code, f"0{bits}b")
                code += 1
        code <<= 1
    return out


def index(ranges, value):
    return max(i for i, (base, _) in enumerate(ranges) if base <= value)


def number(value, bits):
    """First bit lowest."""
    return format(value, f"0{bits}b")[::-1] if bits else ""


def header(literal, distance):
    while len(literal) > 257 and literal[-1] == 0:
        literal = literal[:-1]
    while len(distance) > 1 and distance[-1] == 0:
        distance = distance[:-1]
    lengths, symbols, i = literal + distance, [], 0
    while i < len(lengths):
        value, run = lengths[i], 1
        while i + run < len(lengths) and lengths[i + run] == value:
            run += 1
        i += run
        if value:
            symbols.append((value, 0, 0))
            run -= 1
        while run >= 3:
            part = min(run, 6 if value else 138)
            symbols.append((16, part - 3, 2) if value else (18, part - 11, 7) if part >= 11 else (17, part - 3, 3))
            run -= part
        symbols += [(value, 0, 0)] * run
    counts = [0] * 19
    for symbol, _, _ in symbols:
        counts[symbol] += 1
    of_lengths = code_lengths(counts, LENGTH_BITS)
    order = [of_lengths[s] for s in ORDER]
    while len(order) > 4 and order[-1] == 0:
        order.pop()
    codes = codes_of(of_lengths)
    return (number(len(literal) - 257, 5) + number(len(distance) - 1, 5) + number(len(order) - 4, 4) +
            "".join(number(length, 3) for length in order) +
            "".join(codes[symbol] + number(extra, bits) for symbol, extra, bits in symbols))


def deflate(data):
    tokens = tokens_of(data)
    blocks = [tokens[i:i + TOKENS] for i in range(0, len(tokens), TOKENS)] or [[]]
    out = []
    for n, block in enumerate(blocks):
        literals, distances = [0] * 286, [0] * 30
        literals[256] = 1
        for token in block:
            if isinstance(token, int):
                literals[token] += 1
            else:
                literals[257 + index(LENGTHS, token[0])] += 1
                distances[index(DISTANCES, token[1])] += 1
        fixed_bits = sum(c * b for c, b in zip(literals, FIXED)) + sum(distances) * 5
        own = code_lengths(literals, BITS), code_lengths(distances, BITS)
        head = header(*own)
        own_bits = len(head) + sum(c * b for c, b in zip(literals, own[0])) + \
            sum(c * b for c, b in zip(distances, own[1]))
        dynamic = own_bits < fixed_bits
        literal_codes, distance_codes = map(codes_of, own if dynamic else (FIXED, [5] * 30))
        out.append(number(n == len(blocks) - 1, 1) + number(2 if dynamic else 1, 2) + (head if dynamic else ""))
        for token in block:
            if isinstance(token, int):
                out.append(literal_codes[token])
                continue
            length, distance = index(LENGTHS, token[0]), index(DISTANCES, token[1])
            out.append(literal_codes[257 + length] + number(token[0] - LENGTHS[length][0], LENGTHS[length][1]) +
                       distance_codes[distance] +
                       number(token[1] - DISTANCES[distance][0], DISTANCES[distance][1]))
        out.append(literal_codes[256])
    bits = "".join(out)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8][::-1], 2) for i in range(0, len(bits), 8))
