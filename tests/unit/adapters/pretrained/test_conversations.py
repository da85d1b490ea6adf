"""A list of messages is answered by a checkpoint that was taught to converse, in the form it was taught."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assets import asset
from tests.checkpoints import FILES, MINILM
from tokenizers import Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

import boucle
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.predictors import predictor
from boucle.adapters.pretrained.signatures import signature_of
from boucle.adapters.pretrained.tasks import templates
from boucle.adapters.pretrained.tasks.chat import Chat
from boucle.adapters.pretrained.tasks.write import Author
from boucle.adapters.pretrained.tokens import Tokens
from boucle.adapters.pretrained.torch_engine import TorchEngine
from boucle.core.errors import BundleError, RequestError
from boucle.loop.adoption import adopt_model

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "your-tutorial-today.md"
START, END = "<|im_start|>", "<|im_end|>"
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
WITH_ALL = """{{ bos_token }}{% set seen = namespace(rounds=0, first=true) %}
{% for message in messages %}
  {% if message.role == 'tool' %}{% continue %}{% endif %}
  {% set seen.rounds = seen.rounds + 1 %}
  {% if message.role == 'assistant' %}{% generation %}{{ message.content | trim }}{% endgeneration %}
  {% else %}[{{ message.role }} {{ seen.rounds }}] {{ message | tojson }}{% endif %}
{% endfor %}{{ '[assistant]' if add_generation_prompt }}"""
HELLO = [{"role": "user", "content": "What is the capital of France?"}]
LONGER = [
    {"role": "system", "content": "Be brief."}, *HELLO, {"role": "assistant", "content": "Paris."},
    {"role": "user", "content": "And of Italy?"},
]  # fmt: skip
Chatting = Callable[..., Path]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny GPT-2 with random weights, whose tokenizer knows where turns begin and end."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("chat")
    tokenizer = Tokenizer.from_file(str(asset(*MINILM, "tokenizer.json")))
    tokenizer.add_special_tokens([START, END])
    plain = {**json.loads(tokenizer.to_str()), "post_processor": None}
    config = transformers.GPT2Config(
        vocab_size=30524, n_embd=32, n_layer=2, n_head=2, n_positions=128, bos_token_id=101, eos_token_id=102
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.GPT2LMHeadModel(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3.0)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(plain))
    told = json.loads(asset(*MINILM, FILES[1]).read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**told, "bos_token": "[CLS]", "model_max_length": 128}))
    return folder


@pytest.fixture(scope="session")
def chatting(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Chatting:
    """Return a folder of the checkpoint with a template, other files of its own beside it."""

    def made(template: str | None = CHATML, **files: str) -> Path:
        folder = tmp_path_factory.mktemp("chatting")
        for file in weights.iterdir():
            (folder / file.name).symlink_to(file)
        given = {"chat_template.jinja": template} if template is not None else {}
        for name, text in (given | files).items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_text(text)
        return folder

    return made


@pytest.fixture(scope="session")
def model(chatting: Chatting) -> Any:
    return boucle.load(chatting(), task="text-generation", max_new_tokens=6)


def chat_of(folder: Path, **options: Any) -> Chat:
    checkpoint = resolve(folder, "text-generation", options=options)
    return Chat(checkpoint, Tokens(checkpoint, room=6, direction="left"))


def read(chat: Chat, messages: list[dict[str, str]]) -> str:
    """Return what the model gets to read of a conversation."""
    tokens = chat.encode(chat.read(messages, "text", 0) or [], "text", 0).tokens
    return " ".join(tokens).replace(" ##", "")


@pytest.mark.parametrize("messages", [HELLO, LONGER], ids=["a question", "a conversation"])
def test_a_conversation_is_answered_as_the_prompt_is_that_transformers_makes_of_it(
    model: Any, messages: list[dict[str, str]]
) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(model.ref)
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert prompt.startswith(START)
    assert model.predict([messages]) == [model.predict(prompt)] != [""]


def test_a_list_its_json_and_a_prompt_may_stand_in_one_batch(model: Any) -> None:
    rows = [LONGER, "Once upon a time", json.dumps(LONGER), {"text": HELLO}, {"text": "Once upon a time"}]
    talk, prompt, written, named, _ = model.predict(rows)
    assert talk == written == model.predict(LONGER)
    assert named == model.predict(HELLO) != talk
    assert prompt == model.predict(rows)[4] == model.predict("Once upon a time")


@pytest.mark.parametrize("template", [CHATML, WITH_ALL], ids=["ChatML", "all that templates use"])
@pytest.mark.parametrize("messages", [HELLO, LONGER], ids=["a question", "a conversation"])
def test_templates_are_rendered_as_transformers_renders_them(template: str, messages: Any, tmp_path: Path) -> None:
    given = {"bos_token": "<s>", "add_generation_prompt": True}
    expected, _ = render_jinja_template(conversations=[messages], chat_template=template, **given)
    assert templates.compiled(template, tmp_path).render(messages=messages, **given) == expected[0]


def test_a_template_may_stand_in_the_configuration_of_the_tokenizer(chatting: Chatting) -> None:
    named = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": CHATML}]
    for kept in (CHATML, named):
        folder = chatting(None, **{"tokenizer_config.json": json.dumps({"chat_template": kept})})
        assert read(chat_of(folder), HELLO).startswith(f"{START} user what is")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.__class__.__base__ }}",
        "{{ ('' | attr('__class__')).__mro__ }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{{ namespace.__init__.__globals__ }}",
        "{% set kept = namespace() %}{% set kept.__class__ = 1 %}{{ kept }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(role='system') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% for one in range(1000000000) %}{% endfor %}",
    ],
)
def test_a_template_reaches_nothing_but_the_messages(template: str, chatting: Chatting) -> None:
    chat = chat_of(chatting(template))
    with pytest.raises(RequestError, match=r"Row 0 of 'text' cannot be written by the chat template"):
        read(chat, HELLO)


def test_a_template_that_is_none_is_refused_when_the_checkpoint_is_opened(chatting: Chatting) -> None:
    with pytest.raises(BundleError, match=r"chat template of .* cannot be read.*mend chat_template\.jinja"):
        chat_of(chatting("{% for one in %}"))


def test_what_a_template_does_not_take_is_refused_in_its_own_words(chatting: Chatting) -> None:
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + CHATML
    with pytest.raises(RequestError, match=r"Row 0 of 'text' is not what the model was taught: no system here"):
        read(chat_of(chatting(strict)), LONGER)


def test_a_checkpoint_without_a_template_says_what_to_send(chatting: Chatting) -> None:
    model = boucle.load(chatting(None), task="text-generation", max_new_tokens=4)
    for asked in (HELLO, json.dumps(HELLO)):
        with pytest.raises(RequestError, match=r"Row 1 .* has no chat template, it continues texts.*send a text"):
            model.predict(["a prompt", asked])


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([{"role": "pirate", "content": "Ahoy"}], "is of the role 'pirate'. hint: the roles are system, user"),
        ([*HELLO, {"role": "system", "content": "late"}], "Message 1 of row 0 .* the system, which speaks first"),
        ([{"role": "user"}], "Message 0 .* has no text as its content"),
        ([{"role": "user", "content": ["parts"]}], "Message 0 .* has no text as its content"),
        ([*HELLO, "and?"], "Message 1 .* has no text as its content"),
        (LONGER[:3], "ends with the assistant: there is nothing to answer"),
        (LONGER[:1], "ends with the system: there is nothing to answer"),
        ([], "has no messages"),
        ('[{"role": "user", "content": "cut', "begins as a conversation and is no JSON"),
        ([{"role": "user", "content": "half \ud83d"}], "cannot be read as text"),
    ],
)
def test_what_is_no_conversation_is_refused_with_what_to_send(model: Any, messages: Any, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        model.predict([messages])


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.sampled_from([START, END, "[SEP]", "<|im_", "start|>", "hello", " "]), max_size=12))
def test_no_message_speaks_in_the_role_of_another(parts: list[str], model: Any) -> None:
    chat = model._predictor._chat
    tokens = chat.encode([{"role": "user", "content": chat._harmless("".join(parts))}], "text", 0).tokens
    assert [tokens.count(mark) for mark in (START, END, "[SEP]")] == [2, 1, 0]


def test_a_long_conversation_loses_its_oldest_turns_whole(chatting: Chatting) -> None:
    chat = chat_of(chatting())
    turns = [
        {"role": role, "content": f"{said} number {place} , as long as it takes"}
        for place in range(40)
        for role, said in (("user", "question"), ("assistant", "reply"))
    ]
    seen = read(chat, [LONGER[0], *turns, *HELLO])
    kept = [place for place in range(40) if f"question number {place} ," in seen]
    assert seen.startswith(f"{START} system be brief . {END} {START} user question number {kept[0]} ,")
    assert kept == list(range(kept[0], 40)), "the end is kept without a gap"
    assert seen.endswith(f"what is the capital of france ? {END} {START} assistant")
    assert read(chat, [LONGER[0], *turns[2 * kept[0] :], *HELLO]) == seen


def test_one_turn_too_many_would_not_have_fitted(chatting: Chatting) -> None:
    chat = chat_of(chatting())
    turns = [{"role": "user", "content": f"question {place} of many"} for place in range(60)]
    kept = chat.encode(turns, "text", 0)
    room = chat._tokens.limit - len(kept)
    each = len(chat.encode(turns[-2:], "text", 0)) - len(chat.encode(turns[-1:], "text", 0))
    assert 0 <= room < each


def test_a_last_turn_without_room_is_refused_and_not_cut(model: Any) -> None:
    with pytest.raises(RequestError, match=r"more than 122 tokens in its last turn.*shorten it") as caught:
        model.predict([[*LONGER[:3], {"role": "user", "content": "long " * 200}]])
    assert caught.value.facts["row"] == 0


def test_the_option_system_stands_before_what_the_system_says(chatting: Chatting) -> None:
    chat = chat_of(chatting(), system="Answer in French.")
    assert read(chat, HELLO).startswith(f"{START} system answer in french . {END} {START} user what")
    assert read(chat, LONGER).startswith(f"{START} system answer in french . be brief . {END} {START} user what")
    with pytest.raises(BundleError, match="`system` is for conversations"):
        chat_of(chatting(None), system="Answer in French.")


def test_an_answer_ends_at_any_of_the_checkpoints_ends(model: Any, chatting: Chatting) -> None:
    author = model._predictor
    (ids,) = author._writer.write(author._feeds(author.encoded({"text": [HELLO]})), author._writing)
    ends = {"eos_token_id": [102, ids[1]], "pad_token_id": 0}
    own = json.loads((Path(model.ref) / "generation_config.json").read_text())
    ending = boucle.load(
        chatting(**{"generation_config.json": json.dumps(own | ends)}), task="text-generation", max_new_tokens=6
    )
    shorter = author._tokens.decode(ids[: ids.index(ids[1]) + 1]).strip()
    assert ending.predict(HELLO) == shorter != model.predict(HELLO)


def test_a_checkpoint_is_adopted_with_conversations_and_answers_them(chatting: Chatting, tmp_path: Path) -> None:
    folder = chatting()
    sample = pd.DataFrame({"text": [HELLO, LONGER, [{"role": "user", "content": "Hello, how are you today?"}]]})
    result = adopt_model(
        tmp_path, str(folder), sample, name="guide", task="text-generation", options={"max_new_tokens": 4}
    )
    plain = boucle.load(folder, task="text-generation", max_new_tokens=4)
    loaded = boucle.load(f"guide/{result.version}", tmp_path)
    assert loaded.predict(sample).tolist() == plain.predict(sample["text"].tolist())
    assert loaded.predict({"text": json.dumps(LONGER)}).tolist() == [plain.predict(LONGER)]


def author_of(folder: Path, **options: Any) -> Author:
    checkpoint = resolve(folder, "text-generation", options={"max_new_tokens": 6, **options})
    made = predictor(checkpoint, TorchEngine(checkpoint), signature_of(checkpoint))
    assert isinstance(made, Author)
    return made


def test_a_trial_tells_weights_apart_that_write_the_same_words(chatting: Chatting) -> None:
    rows = {"text": np.array(["Once upon a time", json.dumps(LONGER)], dtype=object)}
    author, other = author_of(chatting()), author_of(chatting())
    before, same = author.trial().predict(rows), other.trial().predict(rows)
    assert all((before[name] == same[name]).all() for name in before)
    with torch.no_grad():
        other._engine.model.transformer.h[1].mlp.c_fc.weight.mul_(1.000001)  # type: ignore[attr-defined]
    after = other.trial().predict(rows)
    assert (author.predict(rows)["prediction"] == other.predict(rows)["prediction"]).all()
    assert not np.allclose(before["scores"], after["scores"], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "changed",
    [
        {"generation_config.json": '{"eos_token_id": [102, 7]}'},
        {"chat_template.jinja": CHATML.replace("assistant", "model")},
    ],
    ids=["ends", "template"],
)
def test_a_trial_tells_settings_apart(chatting: Chatting, changed: dict[str, str]) -> None:
    rows = {"text": np.array(["Once upon a time"], dtype=object)}
    before, after = (author_of(chatting(**files)).trial().predict(rows) for files in ({}, changed))
    assert (before["scores"] == after["scores"]).all()
    assert (before["settings"] != after["settings"]).all()


def test_a_trial_of_a_model_that_translates_has_scores_too(tiny: Callable[[str], Path]) -> None:
    checkpoint = resolve(tiny("t5"), "summarization")
    author = predictor(checkpoint, TorchEngine(checkpoint), signature_of(checkpoint))
    assert isinstance(author, Author)
    said = author.trial().predict({"text": np.array(["The council voted.", "A bridge " * 300], dtype=object)})
    assert said["scores"].shape == (2, 30522)
    assert len(said["tokens"][1]) > len(said["tokens"][0])


def test_the_page_on_tutorials_says_what_runs_today(chatting: Chatting) -> None:
    section = PAGE.read_text().partition("\n## Conversations\n")[2].partition("\n## ")[0]
    old, today, ours = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    with pytest.raises((ImportError, AttributeError)):
        exec(old, {})
    with pytest.raises(KeyError, match="Unknown task conversational"):
        transformers.pipeline("conversational")
    name, folder = "HuggingFaceTB/SmolLM2-135M-Instruct", str(chatting())
    told = {"pipeline": transformers.pipeline}
    exec(today.replace(name, folder), told)
    made: dict[str, Any] = {}
    exec(ours.replace(f"hf://{name}", folder), made)
    assert [one["role"] for one in made["messages"]] == ["user", "assistant", "user"]
    last = today.strip().splitlines()[-1]
    assert eval(last, told).strip() == made["said"] != ""
