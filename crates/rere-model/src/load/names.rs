//! Names of tensors in the files of Hugging Face, and how they become ours.

/// Patterns in the tensor names of Hugging Face's BERT and the encoders with its layers, and what to replace them by.
pub(super) const BERT_NAMES: [(&str, &str); 31] = [
    (r"^(bert|roberta|distilbert|electra|ernie|mpnet|deberta)\.", ""),
    (r"LayerNorm\.", "norm."),
    (r"^embeddings\.word_embeddings\.", "embeddings.word."),
    (r"^embeddings\.position_embeddings\.", "embeddings.position."),
    (r"^embeddings\.token_type_embeddings\.", "embeddings.token_type."),
    (r"^embeddings\.task_type_embeddings\.", "embeddings.task."),
    (r"^embeddings_project\.", "embeddings.projection."),
    (r"^encoder\.relative_attention_bias\.weight$", "relative.bias.weight"),
    (r"^encoder\.rel_embeddings\.weight$", "relative.embeddings"),
    (r"^encoder\.norm\.", "relative.norm."),
    (r"^(encoder|transformer)\.layer\.", "layers."),
    (r"\.attention\.self\.(query|key|value)(_proj)?\.", ".$1."),
    (r"\.attention\.output\.norm\.", ".attention_norm."),
    (r"\.attention\.output\.dense\.", ".attention_output."),
    (r"\.output\.norm\.", ".output_norm."),
    (r"\.intermediate\.dense\.", ".up."),
    (r"\.output\.dense\.", ".down."),
    (r"\.attention_output\.", ".output."),
    // MPNet
    (r"\.attention\.attn\.q\.", ".query."),
    (r"\.attention\.attn\.k\.", ".key."),
    (r"\.attention\.attn\.v\.", ".value."),
    (r"\.attention\.attn\.o\.", ".output."),
    (r"\.attention\.norm\.", ".attention_norm."),
    // DistilBERT
    (r"\.attention\.q_lin\.", ".query."),
    (r"\.attention\.k_lin\.", ".key."),
    (r"\.attention\.v_lin\.", ".value."),
    (r"\.attention\.out_lin\.", ".output."),
    (r"\.ffn\.lin1\.", ".up."),
    (r"\.ffn\.lin2\.", ".down."),
    (r"\.sa_layer_norm\.", ".attention_norm."),
    (r"\.output_layer_norm\.", ".output_norm."),
];

/// The same for ModernBERT.
pub(super) const MODERNBERT_NAMES: [(&str, &str); 9] = [
    (r"^model\.", ""),
    (r"^embeddings\.tok_embeddings\.", "word."),
    (r"^embeddings\.norm\.", "norm."),
    (r"\.attn_norm\.", ".attention_norm."),
    (r"\.attn\.Wqkv\.", ".query_key_value."),
    (r"\.attn\.Wo\.", ".output."),
    (r"\.mlp_norm\.", ".feed_norm."),
    (r"\.mlp\.Wi\.", ".up."),
    (r"\.mlp\.Wo\.", ".down."),
];
