"""Small model folders for render tests: a byte-level BPE tokenizer and templates in the styles of well-known models."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from tunewright.records import Conversation, Example, Message, PlainText, Provenance

SHARED_MODELS = Path(__file__).parents[1].parent / "shared" / "models"


@dataclass(frozen=True)
class ChatStyle:
    template: str | None
    control_tokens: tuple[str, ...]
    eos: str
    bos: str | None = None
    end_of_turn: str | None = None
    takes_system: bool = True


STYLES = {
    "chatml": ChatStyle(
        "{% for message in messages %}"
        "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
        ("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
        eos="<|endoftext|>",
        end_of_turn="<|im_end|>",
    ),
    "llama3": ChatStyle(
        "{{ bos_token }}{% for message in messages %}"
        "{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' }}"
        "{{ message.content | trim + '<|eot_id|>' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end_of_text|>"),
        bos="<|begin_of_text|>",
        eos="<|end_of_text|>",
        end_of_turn="<|eot_id|>",
    ),
    "mistral": ChatStyle(
        "{{ bos_token }}{% set ns = namespace(system='') %}{% for message in messages %}"
        "{% if message.role == 'system' %}{% set ns.system = message.content + '\n\n' %}"
        "{% elif message.role == 'user' %}{{ '[INST] ' + ns.system + message.content + ' [/INST]' }}"
        "{% set ns.system = '' %}"
        "{% else %}{{ ' ' + message.content + eos_token }}{% endif %}"
        "{% endfor %}",
        ("<s>", "</s>", "[INST]", "[/INST]"),
        bos="<s>",
        eos="</s>",
        end_of_turn="</s>",
    ),
    "llama2": ChatStyle(
        "{% for message in messages %}"
        "{% if message.role == 'system' %}{% continue %}{% endif %}"
        "{% if message.role == 'user' %}{{ bos_token + '[INST] ' + message.content.strip() + ' [/INST]' }}"
        "{% else %}{{ ' ' + message.content.strip() + ' ' + eos_token }}{% endif %}"
        "{% endfor %}",
        ("<s>", "</s>"),
        bos="<s>",
        eos="</s>",
        end_of_turn="</s>",
        takes_system=False,
    ),
    "gemma": ChatStyle(
        "{{ bos_token }}"
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for message in messages %}"
        "{% set role = 'model' if message.role == 'assistant' else message.role %}"
        "{{ '<start_of_turn>' + role + '\n' + message.content | trim + '<end_of_turn>\n' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        bos="<bos>",
        eos="<eos>",
        end_of_turn="<end_of_turn>",
        takes_system=False,
    ),
    "phi3": ChatStyle(
        "{% for message in messages %}{{ '<|' + message.role + '|>\n' + message.content + '<|end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
        ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"),
        eos="<|endoftext|>",
        end_of_turn="<|end|>",
    ),
    "zephyr": ChatStyle(
        # Role headers in plain text; only the end of a message is a control token.
        "{% for message in messages %}{{ '<|' + message.role + '|>\n' + message.content + eos_token + '\n' }}"
        "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}{% endfor %}",
        ("<s>", "</s>"),
        bos="<s>",
        eos="</s>",
        end_of_turn="</s>",
    ),
}

# What the built-in template stands in for, and a template that rewrites earlier turns.
PLAIN = ChatStyle(None, ("<|endoftext|>",), eos="<|endoftext|>", end_of_turn="<|endoftext|>")
THINKING = ChatStyle(
    "{% for message in messages %}"
    "{% set content = message.content %}"
    "{% if message.role == 'assistant' and not loop.last %}{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{ '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    STYLES["chatml"].control_tokens,
    eos="<|endoftext|>",
    end_of_turn="<|im_end|>",
)
TOOLS = ChatStyle(
    # Declarations in the system turn, calls as marked JSON, results of one turn's calls together in a user turn.
    "{% if tools %}{{ '<|im_start|>system\n' }}"
    "{% if messages[0].role == 'system' %}{{ messages[0].content + '\n\n' }}{% endif %}{{ 'Functions:' }}"
    "{% for tool in tools %}{{ '\n' + tool | tojson }}{% endfor %}{{ '<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}"
    "{% if message.role == 'tool' %}"
    "{% if messages[loop.index0 - 1].role != 'tool' %}{{ '<|im_start|>user' }}{% endif %}"
    "{{ '\n<tool_response>' + message.content + '</tool_response>' }}"
    "{% if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{ '<|im_end|>\n' }}{% endif %}"
    "{% elif message.tool_calls %}{{ '<|im_start|>assistant\n' + message.content }}"
    "{% for call in message.tool_calls %}"
    '{{ \'<tool_call>{"name": "\' + call.function.name + \'", "arguments": \' + call.function.arguments | tojson }}'
    "{{ '}</tool_call>' }}{% endfor %}{{ '<|im_end|>\n' }}"
    "{% elif message.role != 'system' or not tools %}"
    "{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    STYLES["chatml"].control_tokens,
    eos="<|endoftext|>",
    end_of_turn="<|im_end|>",
)
ENDLESS = ChatStyle(
    "{% for message in messages %}{{ message.role + ': ' + message.content + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}",
    ("<|endoftext|>",),
    eos="<|endoftext|>",
)

_TEXT = (
    "What is the capital of France? The capital of France is Paris. Please answer the question in one short sentence. "
    "You are a helpful assistant and you answer with the name of the place. probe question probe answer ### User: "
)


# How Llama 3 splits text: line breaks stay together, whatever follows them.
_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@functools.cache
def _trained_tokenizer(*, gpt2_split: bool) -> str:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *([] if gpt2_split else [pre_tokenizers.Split(Regex(_LLAMA3_SPLIT), "isolated")]),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=gpt2_split),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([_TEXT, _TEXT.replace(" ", "\n\n")], trainer)
    return tokenizer.to_str()


def write_base(
    folder: Path,
    style: ChatStyle,
    *,
    declare_special: bool = True,
    pad: str | None = None,
    adds_bos: bool = False,
    gpt2_split: bool = False,
) -> Path:
    """Write the files that a renderer reads: tokenizer, template, configuration. There are no weights."""
    from tokenizers import AddedToken, Tokenizer, processors

    folder.mkdir(parents=True)
    tokenizer = Tokenizer.from_str(_trained_tokenizer(gpt2_split=gpt2_split))
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=declare_special) for t in style.control_tokens])
    if adds_bos:
        bos = (style.bos, tokenizer.token_to_id(style.bos))
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{style.bos} $A", special_tokens=[bos])
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"bos_token": style.bos, "eos_token": style.eos, "pad_token": pad}
    named = {name: token for name, token in named.items() if token is not None}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "TokenizersBackend", **named})
    write_json(folder / "config.json", {"vocab_size": tokenizer.get_vocab_size(), "model_type": "llama"})
    if style.template is not None:
        (folder / "chat_template.jinja").write_text(style.template, encoding="utf-8")
    return folder


def use_pieces(folder: Path, *, eats_spaces: bool) -> Path:
    """Give a base a tokenizer of letters in the manner of SentencePiece, which drops a first space when it decodes.

    Args:
        eats_spaces: each control token takes the white space behind it.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted({"\u2581", "\n", *"!.:?", *map(chr, range(ord("A"), ord("z") + 1))})
    tokenizer = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always", split=False)
    known = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    names = [token["content"] for token in known]
    tokenizer.add_tokens([AddedToken(name, normalized=False, special=True, rstrip=eats_spaces) for name in names])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def chat(*turns: tuple[str, str] | tuple[str, str, int]) -> Example:
    """A conversation from (role, content) or (role, content, weight), from row 7 of rows.jsonl."""
    messages = tuple(Message(role=role, content=content, weight=(*rest, 1)[0]) for role, content, *rest in turns)
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=7))


def text(content: str) -> Example:
    return Example(body=PlainText(text=content), provenance=Provenance(source="notes.txt", row=3))


def user(content: str) -> tuple[Message, ...]:
    return (Message(role="user", content=content),)
